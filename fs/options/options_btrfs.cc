// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: those of the kernel's btrfs that make no difference here, or can't be had.
//
// A line of fstab that was written for the kernel is to work. So what makes no difference here is taken, with
// its value checked; what would be a promise that is not kept is refused: nospace_cache and space_cache=v1,
// which ask for a form of the free space that is not written, and the debugging aids.
#include "fs/options/option_rows.h"

namespace butterfuse {
namespace {

bool is_number(std::string_view text) { return parse_kernel_number<uint32_t>(text).has_value(); }
bool is_size(std::string_view text) { return parse_size(text).has_value(); }
bool is_fatal_action(std::string_view text) { return text == "bug" || text == "panic"; }

Status choose_space_cache(const OptionWord& word, MountOptions& options) {
  if (word.value && *word.value == "v1")
    return make_error(ENOTSUP, "mount option '{}' is refused: only the free space tree (v2) is kept",
                      word.text());
  if (word.value && *word.value != "v2") return bad_option_value();
  options.ignored.push_back(word.text());
  return {};
}

}  // namespace

MountOptionGroup btrfs_option_group() {
  return {"Of btrfs, without effect here or refused",
          {
              idle_row("ssd", "", "one way of allocating serves all devices"),
              idle_row("nossd", "", "one way of allocating serves all devices"),
              idle_row("ssd_spread", "", "one way of allocating serves all devices"),
              idle_row("nossd_spread", "", "one way of allocating serves all devices"),
              idle_row("autodefrag", "", "files are defragmented on request only"),
              idle_row("noautodefrag", "", "always so"),
              idle_row("barrier", "", "always so"),
              idle_row("nobarrier", "", "devices are always flushed"),
              {"space_cache", "[=v2]", OptionEffect::no_effect, "the free space tree, which is always kept",
               choose_space_cache},
              refused_row("nospace_cache", "", "would drop the free space tree"),
              idle_row("inode_cache", "", "as in Linux 5.11 and later"),
              idle_row("noinode_cache", "", "always so"),
              idle_row("metadata_ratio", "=COUNT", "chunks are made when they are needed", is_number),
              idle_row("enospc_debug", "", "user.butterfuse.stats has numbers"),
              idle_row("noenospc_debug", "", "always so"),
              idle_row("fatal_errors", "=bug|panic", "the kernel does not depend on us", is_fatal_action),
              idle_row("skip_balance", "", "there is no balance to go on with"),
              idle_row("rescan_uuid_tree", "", "the tree is kept up to date"),
              idle_row("user_subvol_rm_allowed", "", "subvolumes can't be deleted yet"),
              idle_row("subvolrootid", "=ID", "as in Linux 3.10 and later", is_number),
              idle_row("alloc_start", "=SIZE", "as in Linux 4.13 and later", is_size),
              idle_row("check_int", "", "as in Linux 6.7 and later"),
              idle_row("check_int_data", "", "as in Linux 6.7 and later"),
              idle_row("check_int_print_mask", "=NUMBER", "as in Linux 6.7 and later", is_number),
              refused_row("fragment", "=data|metadata|all", "a debugging aid of the kernel"),
              refused_row("ref_verify", "", "a debugging aid of the kernel"),
              refused_row("ref_tracker", "", "a debugging aid of the kernel"),
          }};
}

}  // namespace butterfuse
