// SPDX-License-Identifier: GPL-2.0-or-later
// Acl: decoding, the rules of a valid list, and its coupling with the mode.
#include "fs/attributes/acl.h"

#include <algorithm>
#include <cerrno>

#include "core/base/le.h"

namespace butterfuse {
namespace {

constexpr uint32_t kVersion = 2;  // the only one there is, of the attribute's form

struct [[gnu::packed]] DiskEntry {
  le16 tag, permissions;
  le32 id;
};
static_assert(sizeof(DiskEntry) == 8);

}  // namespace

Result<Acl> Acl::parse(ByteSpan bytes) {
  if (bytes.size() < sizeof(le32) || (bytes.size() - sizeof(le32)) % sizeof(DiskEntry) != 0)
    return make_error(EINVAL, "access control list of {} bytes", bytes.size());
  if (const uint32_t version = load<le32>(bytes); version != kVersion)
    return make_error(EOPNOTSUPP, "access control list of version {}", version);
  Acl acl;
  for (size_t at = sizeof(le32); at < bytes.size(); at += sizeof(DiskEntry)) {
    const auto disk = load<DiskEntry>(bytes.subspan(at));
    acl.entries_.push_back({disk.tag, disk.permissions, disk.id});
  }
  BF_TRY(acl.check());
  return acl;
}

bool Acl::has_no_entries(ByteSpan bytes) {
  return bytes.empty() || (bytes.size() == sizeof(le32) && load<le32>(bytes) == kVersion);
}

std::vector<std::byte> Acl::encode() const {
  std::vector<std::byte> bytes(sizeof(le32) + entries_.size() * sizeof(DiskEntry));
  store(MutableByteSpan(bytes), le32(kVersion));
  size_t at = sizeof(le32);
  for (const Entry& entry : entries_) {
    DiskEntry disk{};
    disk.tag = entry.tag;
    disk.permissions = entry.permissions;
    disk.id = entry.id;
    store(MutableByteSpan(bytes).subspan(at), disk);
    at += sizeof(disk);
  }
  return bytes;
}

// The tags' values rise in the order entries must have.
Status Acl::check() const {
  uint16_t previous = 0;
  bool named = false;
  for (const Entry& entry : entries_) {
    const bool is_named = entry.tag == kUser || entry.tag == kGroup;
    const bool repeats = entry.tag == previous && is_named;
    const bool known = (entry.tag & (entry.tag - 1)) == 0 && entry.tag <= kOther;
    if (entry.permissions > 7 || !known || (entry.tag <= previous && !repeats))
      return make_error(EINVAL, "access control list: entry of tag {} permissions {} behind tag {}",
                        entry.tag, entry.permissions, previous);
    previous = entry.tag;
    named |= is_named;
  }
  const bool complete = find(kUserObj) != nullptr && find(kGroupObj) != nullptr && find(kOther) != nullptr;
  if (!complete || (named && find(kMask) == nullptr))
    return make_error(EINVAL, "access control list: an entry is missing");
  return {};
}

Acl::Entry* Acl::find(uint16_t tag) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [tag](const Entry& entry) { return entry.tag == tag; });
  return found == entries_.end() ? nullptr : &*found;
}

// Whoever has a mask sees it in the mode's group bits, and changes it by chmod(2): the mask limits all but
// owner and others, so the mode never promises more than the list grants.
Acl::Entry& Acl::group_class() {
  Entry* mask = find(kMask);
  return mask != nullptr ? *mask : *find(kGroupObj);
}

uint32_t Acl::mode_bits() const {
  const uint32_t group = const_cast<Acl*>(this)->group_class().permissions;
  return uint32_t{find(kUserObj)->permissions} << 6 | group << 3 | find(kOther)->permissions;
}

void Acl::change_mode(uint32_t mode) {
  find(kUserObj)->permissions = mode >> 6 & 7;
  group_class().permissions = mode >> 3 & 7;
  find(kOther)->permissions = mode & 7;
}

// What the list and the mode both allow. With a default list this takes the place of the umask.
uint32_t Acl::restrict_to(uint32_t mode) {
  change_mode(mode_bits() & mode);
  return mode_bits();
}

}  // namespace butterfuse
