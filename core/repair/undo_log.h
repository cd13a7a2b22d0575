// Undo log: a file with all bytes that a repair is about to overwrite, and the way back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/device/memory_device.h"
#include "core/volume/volume.h"

namespace butterfuse::repair {

// Saves what the devices hold where the overlays have pages, in the same order, and flushes the file: it is
// whole before this returns. What a device can't read there is left out, with a warning. EEXIST when there is
// a file of that name: it may be the only way back.
Status write_undo_log(const std::string& path, const std::vector<std::shared_ptr<BlockDevice>>& devices,
                      const std::vector<std::shared_ptr<MemoryDevice>>& overlays);

// Writes everything back and flushes. Checks first that the log is whole, that the devices are those it names
// (in any order), and that nobody has written to them since the repair: EINVAL, EUCLEAN. Returns the bytes
// written.
Result<uint64_t> undo(const std::string& path, const std::vector<BlockDevice*>& devices);

}  // namespace butterfuse::repair
