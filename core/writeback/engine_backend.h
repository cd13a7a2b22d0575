// EngineBackend: the WritebackBackend over a real file system.
#pragma once

#include <memory>

#include "core/read/extent_reader.h"
#include "core/transaction/filesystem.h"
#include "core/writeback/writeback_backend.h"

namespace butterfuse {

std::unique_ptr<WritebackBackend> make_engine_backend(Filesystem& filesystem);

}  // namespace butterfuse
