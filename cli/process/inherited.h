// SPDX-License-Identifier: GPL-2.0-or-later
// Inherited descriptors: those above 2 that the caller had open when he started this program.
#pragma once

#include <span>

namespace butterfuse {

// Closes all of them but those that an argument names, as /dev/fd/N and the like: a daemon would keep a
// caller's pipe, lock or device for as long as the mount lasts. Call it before anything is opened.
void close_inherited(std::span<char* const> arguments);

}  // namespace butterfuse
