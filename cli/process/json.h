// SPDX-License-Identifier: GPL-2.0-or-later
// Json: documents for programs. File names are bytes and JSON is UTF-8: see json_text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace butterfuse {

// Valid UTF-8 as it is, with all that JSON can escape by itself; else as shown_name has it,
// which loses nothing.
std::string json_text(std::string_view bytes);

// One whole document, on standard output.
void print_json(const nlohmann::ordered_json& document);

}  // namespace butterfuse
