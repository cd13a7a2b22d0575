// SPDX-License-Identifier: GPL-2.0-or-later
// HowMuch: what becomes of a write that does not fit.
#pragma once

namespace butterfuse {

// Of a write for which there is not enough space.
enum class HowMuch { what_fits, all };

}  // namespace butterfuse
