// SPDX-License-Identifier: GPL-2.0-or-later
// Entry type: the table, read both ways.
#include "core/ondisk/entry_type.h"

#include <sys/stat.h>

#include "core/ondisk/constants.h"

namespace butterfuse {
namespace {

struct Kind {
  uint32_t mode;
  uint8_t type;
};
constexpr Kind kKinds[] = {{S_IFREG, file_type::kRegular}, {S_IFDIR, file_type::kDir},
                           {S_IFCHR, file_type::kChardev}, {S_IFBLK, file_type::kBlockdev},
                           {S_IFIFO, file_type::kFifo},    {S_IFSOCK, file_type::kSocket},
                           {S_IFLNK, file_type::kSymlink}};

}  // namespace

uint8_t entry_type_of_mode(uint32_t mode) {
  for (const Kind& kind : kKinds)
    if (kind.mode == (mode & S_IFMT)) return kind.type;
  return file_type::kUnknown;
}

uint32_t mode_of_entry_type(uint8_t type) {
  for (const Kind& kind : kKinds)
    if (kind.type == type) return kind.mode;
  return 0;
}

}  // namespace butterfuse
