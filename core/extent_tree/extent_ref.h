// SPDX-License-Identifier: GPL-2.0-or-later
// From the references that tree changes speak of to those of the extent tree.
#pragma once

#include <cstddef>

#include "core/btree/cow_context.h"
#include "core/ondisk/backrefs.h"

namespace butterfuse {

ExtentRef extent_ref_of(const TreeRef& ref);
ExtentRef extent_ref_of(const DataRef& ref);

struct ExtentRefHash {
  size_t operator()(const ExtentRef& ref) const;
};

}  // namespace butterfuse
