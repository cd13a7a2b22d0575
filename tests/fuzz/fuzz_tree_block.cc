// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged tree blocks: what tree_checker lets pass is safe to print.
#include "core/ondisk/to_text.h"
#include "core/ondisk/tree_checker.h"
#include "tests/fuzz/damage.h"

using namespace butterfuse;
using namespace butterfuse::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static BaseImages images(true);
  FuzzedDataProvider bytes(data, size);
  const BaseImage& image = images.at(bytes.ConsumeIntegralInRange<size_t>(0, images.count() - 1));
  if (image.blocks.empty()) return 0;
  TreeCheckContext context;
  context.nodesize = image.super.nodesize;
  context.sectorsize = image.super.sectorsize;
  context.incompat = image.super.incompat_flags;
  context.total_bytes = image.super.total_bytes;
  context.generation = image.super.generation;
  context.csum_size = static_cast<uint32_t>(csum_size(image.csum_type()));
  context.depth = bytes.ConsumeBool() ? TreeCheckDepth::structure : TreeCheckDepth::full;
  const size_t which = bytes.ConsumeIntegralInRange<size_t>(0, image.blocks.size() - 1);
  // Of exactly the block's size, so that the sanitizer sees the first byte behind it.
  const std::vector<std::byte> block = damaged_block(image, image.blocks[which], bytes);
  if (!block.empty() && check_tree_block(context, block)) (void)tree_block_to_text(block, image.super);
  return 0;
}
