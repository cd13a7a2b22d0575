// SPDX-License-Identifier: GPL-2.0-or-later
// same_content: compares two files, of which mostly holes are no work.
#pragma once

#include <string>

// As cmp(1), which reads all zeros of a sparse image. False as well where one can't be opened or read.
bool same_content(const std::string& path, const std::string& other);
