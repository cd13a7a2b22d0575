// SPDX-License-Identifier: GPL-2.0-or-later
// dump_super: superblock mirrors as text, valid or not.
#include <cerrno>

#include "core/base/shown_name.h"
#include "core/check/dump.h"
#include "core/device/foreign_content.h"
#include "core/ondisk/to_text.h"
#include "core/volume/superblock.h"

namespace butterfuse {

namespace {

Status dump_one(BlockDevice& device, uint64_t bytenr, bool full, const TextSink& sink) {
  DiskSuper super;
  BF_TRY(device.read(bytenr, MutableByteSpan(reinterpret_cast<std::byte*>(&super), sizeof super)));
  std::string text =
      fmt::format("superblock: bytenr={}, device={}\n{:-<57}\n", bytenr, shown_text(device.path()), "");
  text += super_to_text(super, full);
  sink(text + "\n");
  if (super.magic == kSuperMagic) return {};
  return make_error(EUCLEAN, "{}: no btrfs superblock at {}{}", device.path(), bytenr,
                    foreign_content_text(device));
}

}  // namespace

Status dump_super(BlockDevice& device, const DumpSuperOptions& options, const TextSink& sink) {
  if (options.bytenr) return dump_one(device, *options.bytenr, options.full, sink);
  const int mirrors = options.all ? kSuperMirrors : 1;
  Status worst;
  for (int mirror = 0; mirror < mirrors; ++mirror) {
    const uint64_t bytenr = super_mirror_offset(mirror);
    if (mirror > 0 && bytenr + kSuperSize > device.size_bytes()) break;
    Status status = dump_one(device, bytenr, options.full, sink);
    if (!status && worst) worst = std::move(status);
  }
  return worst;
}

}  // namespace butterfuse
