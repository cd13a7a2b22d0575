// SPDX-License-Identifier: GPL-2.0-or-later
// Json: nlohmann's library, and standard output.
#include "cli/process/json.h"

#include "cli/process/standard_streams.h"
#include "core/base/shown_name.h"

namespace butterfuse {

std::string json_text(std::string_view bytes) {
  return is_utf8(bytes) ? std::string(bytes) : shown_name(bytes);
}

// Every string in it went through json_text; the handler is for those of others, such as exceptions.
void print_json(const nlohmann::ordered_json& document) {
  constexpr int kIndent = 2;
  StandardStreams::write(document.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace butterfuse
