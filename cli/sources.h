// SPDX-License-Identifier: GPL-2.0-or-later
// Sources: the image files and block devices of one file system, as named on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/device/window_device.h"
#include "core/volume/volume.h"

namespace butterfuse {

// What to do about a source that somebody else uses (core/device/source_use.h).
enum class InUse {
  refuse,  // EBUSY, where one of the two might write
  warn,    // a line on stderr: for those who only look
};

// Opens all of them, of each the same window. EEXIST when two names mean the same file. With several sources,
// seed devices are opened read-only even for writing: a sprout never writes its seed, which may be shared.
Result<BlockDevices> open_sources(const std::vector<std::string>& paths, const OpenOptions& options,
                                  const DeviceWindow& window = {}, InUse in_use = InUse::refuse);

// Behind `sources` those of `more` that are none of them nor of each other, by whatever path.
std::vector<std::string> with_others(std::vector<std::string> sources, const std::vector<std::string>& more);

// --offset, --sizelimit and --part of a subcommand.
struct WindowArguments {
  std::string offset, sizelimit;
  uint32_t partition = 0;
  Result<DeviceWindow> window() const;
};
void add_window_options(CLI::App& command, WindowArguments& arguments);

// The error, and where it says that there is no btrfs, the partitions that may have one. Of what is open
// already: behind the sandbox no path can be opened.
Error with_partitions(Error error, int descriptor);
Error with_partitions(Error error, const std::string& path);

// "NAME: message" with the first source's name, unless the message has the name of one in front by itself.
std::string named_message(const std::vector<std::string>& sources, const std::string& message);

}  // namespace butterfuse
