// SPDX-License-Identifier: GPL-2.0-or-later
// walk_manifest: a manifest made from the trees, without a mount.
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "core/items/root_ref.h"
#include "core/items/xattr_item.h"
#include "core/read/extent_reader.h"
#include "tests/support/golden_manifest.h"

using namespace butterfuse;

namespace {

constexpr uint64_t kSparseBytes = 256u << 20;  // larger files are hashed by their non-zero blocks
constexpr uint64_t kReadBytes = 1u << 20;

class Sha256 {
 public:
  Sha256() { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  void add(ByteSpan bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  std::string finish() {
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context_, digest.data(), nullptr);
    std::string text;
    for (unsigned char byte : digest) text += fmt::format("{:02x}", byte);
    return text;
  }

 private:
  EVP_MD_CTX* context_ = EVP_MD_CTX_new();
};

std::string escape(std::string_view text) {
  std::string escaped;
  for (unsigned char c : text) {
    if (c < 128 && (std::isalnum(c) != 0 ||
                    std::string_view("._~+,@/-").find(static_cast<char>(c)) != std::string_view::npos))
      escaped += static_cast<char>(c);
    else
      escaped += fmt::format("%{:02X}", c);
  }
  return escaped;
}

char type_letter(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 'f';
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFCHR:
      return 'c';
    case S_IFBLK:
      return 'b';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    default:
      return '?';
  }
}

// A place still to be visited.
struct Visit {
  std::string path;  // escaped, "/" at the root
  uint64_t root_id = 0;
  uint64_t ino = 0;
  bool shadow = false;  // a subvolume's entry in a snapshot: shown as an empty directory
};

class Walker {
 public:
  explicit Walker(Filesystem& filesystem) : filesystem_(filesystem), reader_(filesystem) {}

  Manifest walk(uint64_t root_id) {
    std::vector<Visit> stack{{"/", root_id, root_dirid(root_id)}};
    while (!stack.empty()) {
      const Visit visit = stack.back();
      stack.pop_back();
      ManifestEntry& entry = manifest_[visit.path];
      if (Status described = describe(visit, entry, stack); !described)
        entry["err"] = described.error().message;
    }
    return std::move(manifest_);
  }

 private:
  uint64_t root_dirid(uint64_t root_id) {
    const auto item = filesystem_.root_item(root_id);
    return item ? uint64_t{item->root_dirid} : objectid::kFirstFree;
  }

  Status describe(const Visit& visit, ManifestEntry& entry, std::vector<Visit>& stack) {
    if (visit.shadow) {
      entry = {{"t", "d"},     {"mode", "0755"}, {"uid", "0"},   {"gid", "0"},
               {"nlink", "1"}, {"size", "0"},    {"mtime", "*"}, {"xa", "-"}};
      return {};
    }
    BF_ASSIGN(Tree * tree, filesystem_.subvolume(visit.root_id));
    BF_ASSIGN(InodeItem inode, read_inode_item(*tree, visit.ino));
    describe_attributes(visit, inode, entry);
    BF_ASSIGN(entry["xa"], describe_xattrs(*tree, visit.ino));
    if (S_ISREG(inode.mode)) {
      BF_ASSIGN(entry["data"], hash_file(*tree, visit.ino, inode));
    } else if (S_ISLNK(inode.mode)) {
      BF_ASSIGN(entry["tgt"], read_target(*tree, visit.ino, inode));
    } else if (S_ISDIR(inode.mode)) {
      BF_TRY(push_children(*tree, visit, stack));
    }
    return {};
  }

  void describe_attributes(const Visit& visit, const InodeItem& inode, ManifestEntry& entry) {
    entry["t"] = type_letter(inode.mode);
    entry["mode"] = fmt::format("{:04o}", inode.mode & 07777);
    entry["uid"] = std::to_string(inode.uid);
    entry["gid"] = std::to_string(inode.gid);
    entry["nlink"] = std::to_string(inode.nlink);
    entry["size"] = std::to_string(inode.size);
    entry["mtime"] = fmt::format("{}.{:09}", inode.mtime.sec, inode.mtime.nsec);
    if (S_ISCHR(inode.mode) || S_ISBLK(inode.mode))
      entry["rdev"] = fmt::format("{}:{}", inode.rdev >> 20, inode.rdev & 0xfffff);
    if (!S_ISDIR(inode.mode) && inode.nlink > 1)
      entry["link"] = first_path_.try_emplace({visit.root_id, visit.ino}, visit.path).first->second;
  }

  Result<std::string> describe_xattrs(Tree& tree, uint64_t ino) {
    BF_ASSIGN(auto names, list_xattrs(tree, ino));
    std::ranges::sort(names);
    std::string text;
    for (const std::string& name : names) {
      if (name == "security.selinux") continue;
      BF_ASSIGN(auto value, read_xattr(tree, ino, name));
      if (!value) return make_error(EUCLEAN, "xattr {} is listed but not there", name);
      text += fmt::format("{}{}:{}:", text.empty() ? "" : ";", escape(name), value->size());
      if (value->size() <= 32) {
        for (std::byte byte : *value) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
      } else {
        Sha256 hash;
        hash.add(*value);
        text += hash.finish();
      }
    }
    return text.empty() ? "-" : text;
  }

  Result<std::string> read_target(Tree& tree, uint64_t ino, const InodeItem& inode) {
    if (inode.size > 4096) return make_error(EUCLEAN, "symlink of {} bytes", inode.size);
    std::string target(inode.size, '\0');
    BF_TRY(reader_.read(tree, ino, true, {0, inode.size}, std::as_writable_bytes(std::span(target))));
    return escape(target);
  }

  Result<std::string> hash_file(Tree& tree, uint64_t ino, const InodeItem& inode) {
    Sha256 hash;
    const bool sparse = inode.size > kSparseBytes;
    std::vector<FileExtent> extents;
    if (sparse) {
      BF_ASSIGN(extents, list_file_extents(tree, ino, {0, inode.size}));
    } else {
      extents.emplace_back();
      extents.back().kind = ExtentKind::regular;
      extents.back().num_bytes = inode.size;
    }
    const bool nodatasum = (inode.flags & inode_flag::kNoDataSum) != 0;
    std::vector<std::byte> buffer(kReadBytes);
    for (const FileExtent& extent : extents) {
      if (extent.kind == ExtentKind::hole || extent.kind == ExtentKind::prealloc) continue;
      const uint64_t end = std::min(extent.end(), inode.size);
      for (uint64_t at = extent.start; at < end; at += kReadBytes) {
        const ByteRange range{at, std::min(at + kReadBytes, end)};
        const MutableByteSpan into(buffer.data(), range.length());
        BF_TRY(reader_.read(tree, ino, nodatasum, range, into));
        if (sparse)
          hash_blocks(hash, at, into);
        else
          hash.add(into);
      }
    }
    return (sparse ? "sparse:" : "") + hash.finish();
  }

  static void hash_blocks(Sha256& hash, uint64_t at, ByteSpan bytes) {
    for (size_t begin = 0; begin < bytes.size(); begin += 4096) {
      std::array<std::byte, 4096> block{};
      std::ranges::copy(bytes.subspan(begin, std::min<size_t>(4096, bytes.size() - begin)), block.begin());
      if (std::ranges::all_of(block, [](std::byte byte) { return byte == std::byte{0}; })) continue;
      const uint64_t big_endian = __builtin_bswap64(at + begin);
      hash.add(object_bytes(big_endian));
      hash.add(block);
    }
  }

  Status push_children(Tree& tree, const Visit& directory, std::vector<Visit>& stack) {
    if (!directories_.insert({directory.root_id, directory.ino}).second)
      return make_error(EUCLEAN, "directory {} has two names", directory.ino);
    std::vector<DirEntry> entries;
    BF_TRY(for_each_dir_entry(tree, directory.ino, 0, [&](const DirEntry& entry) {
      entries.push_back(entry);
      return true;
    }));
    std::ranges::sort(entries, [](const DirEntry& a, const DirEntry& b) { return a.name > b.name; });
    const std::string base = directory.path == "/" ? "/" : directory.path + "/";
    for (const DirEntry& entry : entries) {
      BF_ASSIGN(auto found, lookup_dir_entry(tree, directory.ino, entry.name));
      if (!found || found->location != entry.location || found->type != entry.type)
        return make_error(EUCLEAN, "{}: DIR_INDEX and DIR_ITEM differ", entry.name);
      Visit child{base + escape(entry.name), directory.root_id, entry.location.objectid};
      if (entry.location.type == key_type::kRootItem) {
        BF_ASSIGN(bool real, subvolume_hangs_at(filesystem_, entry.location.objectid, directory.root_id,
                                                directory.ino, entry.name));
        child.root_id = entry.location.objectid;
        child.ino = real ? root_dirid(child.root_id) : 0;
        child.shadow = !real;
      }
      stack.push_back(std::move(child));
    }
    return {};
  }

  Filesystem& filesystem_;
  ExtentReader reader_;
  Manifest manifest_;
  std::map<std::pair<uint64_t, uint64_t>, std::string> first_path_;
  std::set<std::pair<uint64_t, uint64_t>> directories_;  // damaged images may have circles
};

}  // namespace

Manifest walk_manifest(Filesystem& filesystem, uint64_t root_id) { return Walker(filesystem).walk(root_id); }
