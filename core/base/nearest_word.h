// SPDX-License-Identifier: GPL-2.0-or-later
// NearestWord: which of the known words somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace butterfuse {

// The word with the fewest letters to change, add, leave out or swap with their neighbour: at most one
// in three of those typed, so that what has nothing to do with each other is not proposed. Empty when
// there is none.
std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> words);

// "; did you mean 'WORD'?", or nothing: to end a refusal with.
std::string did_you_mean(std::string_view typed, std::span<const std::string_view> words);

}  // namespace butterfuse
