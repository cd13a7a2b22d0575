// SPDX-License-Identifier: GPL-2.0-or-later
// Words of a mount option string, with commas between that may be quoted or escaped.
#pragma once

#include <string>
#include <string_view>

namespace butterfuse {

// Takes the first word off `text`, as it is written. A comma is part of it in a value that
// begins with a quote, up to the quote that ends it (subvol="a,b"), as mount(8) has it, and
// behind a backslash (subvol=a\,b).
std::string_view take_option_word(std::string_view& text);

// What a value that is quoted or escaped stands for: the quotes around it go, and the backslash of \, \" and
// \\. Others stay, as names may hold any byte.
std::string unescaped_option_value(std::string_view value);

}  // namespace butterfuse
