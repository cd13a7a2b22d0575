// SPDX-License-Identifier: GPL-2.0-or-later
// shown_name: bytes of somebody else's file system as text that is safe on a terminal and in a log.
#pragma once

#include <string>
#include <string_view>

namespace butterfuse {

// A name, a label, an attribute: control characters (C0, DEL, C1), characters that turn the direction of text
// or break lines, bytes that are no UTF-8, and backslashes become \xNN, one for each byte. The result is
// UTF-8 without control characters, and the name can be told from it byte by byte.
std::string shown_name(std::string_view bytes);

// The same for a whole message, which may have escaped names in it: backslashes stay.
std::string shown_text(std::string_view message);

// All of it is UTF-8 of shortest form.
bool is_utf8(std::string_view bytes);

}  // namespace butterfuse
