// SPDX-License-Identifier: GPL-2.0-or-later
// PromiseWatch: nobody takes more tree blocks than were promised to him.
#pragma once

#include <cstdint>
#include <string_view>

namespace butterfuse {

// What the bounds in promises.cc are worth, seen at work: `taken` bytes of tree blocks by `who`, for whom
// `promised` bytes were kept free. More is an error in those bounds. It need not do harm, as there may have
// been space all the same, so that it is logged; in tests, and wherever BUTTERFUSE_ASSERT_PROMISES is set in
// the environment, it ends the process.
void check_promise(uint64_t taken, uint64_t promised, std::string_view who);
void assert_promises();

}  // namespace butterfuse
