// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryReserve: memory held back for the day that there is no more.
#pragma once

#include <cstddef>

namespace butterfuse::memory_reserve {

// From here on operator new that finds no memory gives the reserve of so many bytes back to the system and
// tries again; only without it does it throw std::bad_alloc. What runs then can end in order; whoever begins
// something new should ask is_used() before. Thread-safe; once in a process.
void keep(size_t bytes);

bool is_used();

// Tries to have the reserve again. True when it is there.
bool restore();

// What operator new does when it finds no memory, for those who get theirs from the system themselves: try
// again after it, or meet std::bad_alloc in it.
void make_room();

}  // namespace butterfuse::memory_reserve
