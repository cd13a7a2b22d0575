// SPDX-License-Identifier: GPL-2.0-or-later
// EngineBackend: the WritebackBackend over a real file system.
#pragma once

#include <memory>

#include "core/delalloc/writeback_backend.h"
#include "core/read/extent_reader.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

std::unique_ptr<WritebackBackend> make_engine_backend(Filesystem& filesystem);

}  // namespace butterfuse
