// SPDX-License-Identifier: GPL-2.0-or-later
// Volume: the address space of one file system, logical bytenrs mapped to devices with copies.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/base/uuid.h"
#include "core/device/block_device.h"
#include "core/ondisk/csum_geometry.h"
#include "core/ondisk/format.h"
#include "core/ondisk/tree_checker.h"
#include "core/volume/chunk_mapping.h"
#include "core/volume/member_device.h"

namespace butterfuse {

using BlockDevices = std::vector<std::unique_ptr<BlockDevice>>;
inline BlockDevices one_device(std::unique_ptr<BlockDevice> device) {
  BlockDevices devices;
  devices.push_back(std::move(device));
  return devices;
}

// As the generation_limit of Volume::read_tree_block: none.
constexpr uint64_t kAnyGeneration = ~uint64_t{0};

// EUCLEAN when the superblocks of two devices of a file system are of one generation, but of different trees.
Status check_same_commit(const std::string& one_path, const DiskSuper& one, const std::string& other_path,
                         const DiskSuper& other);

// Owns the devices. Thread-safe. The chunk map has a lock of its own (innermost: taken with any other held).
// Bytenrs are logical; a range must lie in one chunk.
class Volume {
 public:
  // Reads all superblock mirrors, believes the valid one of the highest generation, fills the chunk map from
  // sys_chunk_array. The chunk tree is the caller's work: add_device_item and add_chunk for its items, then
  // check_devices. Refuses in one line with the reason: not btrfs, no valid superblock, devices of different
  // file systems (but for seeds), devices written without each other, one given twice, unknown incompat bits,
  // non-4K sectors, metadata dumps. Sizes are looked at by check_device_sizes.
  static Result<std::unique_ptr<Volume>> open(BlockDevices devices, SuperFlags flags = SuperFlags::known);
  static Result<std::unique_ptr<Volume>> open(std::unique_ptr<BlockDevice> device);

  const DiskSuper& super() const { return super_; }  // as read at open
  BlockDevice& device() { return *main_->device; }   // the one that superblock was read from
  uint32_t nodesize() const { return super_.nodesize; }
  uint32_t sectorsize() const { return super_.sectorsize; }
  CsumType csum_type() const { return static_cast<CsumType>(uint16_t{super_.csum_type}); }
  uint32_t csum_size_bytes() const { return static_cast<uint32_t>(csum_size(csum_type())); }
  CsumGeometry csum_geometry() const { return {sectorsize(), csum_size_bytes()}; }
  bool seeding() const { return super_.flags & super_flag::kSeeding; }  // must never be written
  Uuid metadata_fsid() const;                                           // what tree block headers carry
  Uuid chunk_tree_uuid() const;  // from the chunk root's header; set by set_chunk_tree_uuid
  void set_chunk_tree_uuid(const Uuid& uuid);

  // ---- devices ----
  // EUCLEAN when it contradicts what is known of the device.
  Status add_device_item(const DiskDevItem& item);
  const std::vector<MemberDevice*>& members() const { return member_list_; }  // by devid, missing ones too
  MemberDevice* member(uint64_t devid) const;                                 // null: none
  // "devid 2 (uuid), devid 3 (uuid)", or empty.
  std::string missing_devices() const;
  // Whether the devices suffice, once the chunk tree is read. ENODEV names those that are missing, unless
  // `degraded` and no chunk needs them: for writing, no chunk may miss more than its profile tolerates; for
  // reading, all metadata must have a copy left.
  Status check_devices(bool degraded, bool writing) const;
  // EUCLEAN when two devices have a root tree of this generation each, with different content: they were
  // written without each other, and belong together no more. Adopting devices refuses those whose superblocks
  // tell already. Once the chunk tree is read.
  Status check_root_copies();
  // EROFS with the reason when it can't be written by this code: a seed, simple quotas, RAID5 or RAID6, or
  // devices that were opened read-only.
  Status check_writable() const;
  // A new DEV_ITEM; whoever commits calls it, write_supers uses it.
  void set_device_item(const DiskDevItem& item);
  std::string stats_text() const;

  // ---- chunks ----
  // EEXIST when it overlaps another; EUCLEAN for a bad one.
  Status add_chunk(ChunkMapping chunk);
  void remove_chunk(uint64_t start);
  std::shared_ptr<const ChunkMapping> chunk_at(uint64_t bytenr) const;  // null when unmapped
  std::vector<std::shared_ptr<const ChunkMapping>> chunks() const;      // by start

  // ---- reading and writing ----
  int copies(uint64_t bytenr) const;  // 0 when unmapped
  // `mirror` counts from 0 below copies(); those behind the profile's copies are rebuilt from parity. A range
  // must not cross its chunk's end. EIO, or EUCLEAN if unmapped.
  Status read(uint64_t bytenr, MutableByteSpan into, int mirror);
  // The first copy that can be read, in the order of mirror_order().
  Status read_best(uint64_t bytenr, MutableByteSpan into, bool verified);
  // The mirrors in the order they are best tried. `verified`: the reader can tell a bad copy; what a stale
  // device has is then tried first where repairs are on, so that it becomes sound again, and else last. What
  // a lost device has is tried last, and not at all by who can't tell.
  std::vector<int> mirror_order(uint64_t bytenr, bool verified) const;
  Status write(uint64_t bytenr, ByteSpan from, WriteKind kind);  // all copies
  // Succeeds when no more copies failed than the profile tolerates. A device that fails is then lost, where
  // all chunks can do without it (device_loss.cc).
  Status write_gather(uint64_t bytenr, const std::vector<ByteSpan>& pieces, WriteKind kind);
  void start_writeback(uint64_t bytenr, uint64_t length);
  void discard(uint64_t bytenr, uint64_t length);
  // All devices. One that fails is an error unless all chunks could do without it.
  Status flush();

  // ---- repair ----
  // Whether copies found bad may be written over: not on read-only mounts. Off at first.
  void set_repairs(bool on) { repairs_ = on; }
  bool repairs() const { return repairs_; }
  // A copy that was read is not what it should be.
  void note_bad_copy(uint64_t bytenr, int mirror);
  // Writes good bytes over one bad copy. The caller keeps the range from being freed or written meanwhile.
  // False when that can't be done.
  bool repair_copy(uint64_t bytenr, ByteSpan good, int mirror, WriteKind kind);

  // Reads one tree block into `into` (nodesize bytes) and checks checksum, bytenr, fsid, level, generation
  // and tree_checker; tries every copy. With repairs() on, and a generation expected, bad copies are written
  // over with the good one: callers hold the lock of a tree that the block belongs to. `expected_generation`
  // 0: any up to `generation_limit`; `expected_level` -1: any. EIO or EUCLEAN with the reason of the first
  // copy when none is good.
  Status read_tree_block(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation,
                         int expected_level, uint64_t generation_limit);
  // One copy, without looking at others. EIO: can't be read; EUCLEAN: is not what is expected.
  Status check_tree_block_copy(uint64_t bytenr, int mirror, uint64_t expected_generation, int expected_level,
                               uint64_t generation_limit);
  // Copies of an intact block that are not intact themselves: for checks. Of RAID5 and RAID6 also what P and
  // Q give, each alone.
  int bad_tree_block_copies(uint64_t bytenr, uint64_t expected_generation, int expected_level,
                            uint64_t generation_limit);
  // The mirrors that together read all that is stored for a range of the chunk once.
  static std::vector<int> distinct_mirrors(const ChunkMapping& chunk);
  // A tree block with no copy of the right checksum is then used if all else in it is right. Off at first.
  void set_ignore_metadata_csums(bool on) { ignore_metadata_csums_ = on; }
  // How much tree_checker asks of blocks: `full` at first; dumps choose `structure`.
  void set_check_depth(TreeCheckDepth depth) { check_depth_ = depth; }
  // Tree blocks carry the metadata fsid, those of a seed its own.
  bool is_block_fsid(const uint8_t (&fsid)[16]) const;
  // For judging a block or item of this file system by hand.
  TreeCheckContext check_context(uint64_t generation_limit) const;

  // Fills in dev_item, bytenr and csum and writes those of the mirrors `first` to `end` - 1 that fit, on
  // every device that may be called current (MemberDevice::takes_supers). Fails when a device can't be
  // written that some chunk can't do without. Does not flush.
  //
  // A superblock is several sectors, and a power cut may tear it. So mirror 0, which mounts read first,
  // goes out alone and is flushed before the others follow: there is always one that is whole and has all
  // that was acknowledged.
  Status write_supers(const DiskSuper& super, int first = 0, int end = kSuperMirrors);
  // A device missed writes since the last settle_losses(), though others made up for it, and its superblock
  // may be as new as theirs. One that is in use all the same never settles.
  bool writes_failed() const;
  // The superblocks of a commit are on disk: a device that was lost before has older ones.
  void settle_losses();
  // Reads the superblocks in use anew: before the first check_nobody_else_wrote().
  void note_super_generations();
  // ESTALE when the superblock of a device is not the one that was last written here; the error of reading
  // when no device can be asked.
  Status check_nobody_else_wrote();
  // No device has room for a second mirror: they end before 64 MiB and 4 KiB. A torn superblock has no other.
  bool has_lone_supers() const;
  // Writes mirrors anew that are torn or older than the one that was read, and flushes: after a crash as
  // well, none is torn while the others have less. Fails as write_supers does. REQUIRES that the chunk tree
  // was read and writing is allowed.
  Status mend_supers();

 private:
  Volume() = default;
  // device_set.cc
  Status adopt_devices(BlockDevices devices, SuperFlags flags);
  Status add_member(std::unique_ptr<MemberDevice> member);
  Status resolve_stripes(ChunkMapping& chunk);

  // device_loss.cc
  enum class ErrorKind { write, flush };
  // Flushes and superblock work, on each device in turn, which notes its errors; succeeds when all chunks can
  // do without the devices that failed.
  Status on_each_writable(const std::function<Status(MemberDevice&)>& work);
  // Counts the error, and loses the device where that can be.
  void note_error(MemberDevice& member, ErrorKind kind, const Error& error);
  bool can_do_without(const std::set<uint64_t>& devids) const;
  // The write that failed is tried again before a device is lost for it.
  Status write_or_lose(MemberDevice& member, const std::function<Status()>& write);

  // chunk_map.cc
  Status load_sys_chunk_array();
  // The chunk that holds the whole range, or EUCLEAN.
  Result<std::shared_ptr<const ChunkMapping>> chunk_of_range(uint64_t bytenr, uint64_t length) const;

  // volume_io.cc
  Status read_copy(const ChunkMapping& chunk, const StripePiece& piece, MutableByteSpan into, int mirror);
  Status read_stripe(const ChunkStripe& stripe, uint64_t offset, MutableByteSpan into);
  void note_read_error(MemberDevice& member, const Error& error);
  Status rebuild(const ChunkMapping& chunk, const StripePiece& piece, MutableByteSpan into, int mirror);
  std::vector<int> order_of(const ChunkMapping& chunk, const StripePiece& piece, bool verified) const;
  Status write_piece(const ChunkMapping& chunk, const StripePiece& piece, const std::vector<ByteSpan>& bytes,
                     WriteKind kind);
  Status write_stripe(const ChunkStripe& stripe, uint64_t offset, const std::vector<ByteSpan>& bytes,
                      WriteKind kind);

  // tree_block_io.cc
  Status check_one_copy(uint64_t bytenr, ByteSpan block, uint64_t expected_generation, int expected_level,
                        uint64_t generation_limit) const;
  Status check_but_csum(uint64_t bytenr, ByteSpan block, uint64_t expected_generation, int expected_level,
                        uint64_t generation_limit) const;
  void repair_tree_block(uint64_t bytenr, ByteSpan block, const std::vector<int>& bad, const Error& reason);

  DiskSuper super_{};
  MemberDevice* main_ = nullptr;
  std::map<uint64_t, std::unique_ptr<MemberDevice>> members_;  // by devid; grows while opening only
  std::vector<MemberDevice*> member_list_;
  std::atomic<bool> any_doubtful_{false};
  Mutex losing_;  // so that devices are lost one by one, each judged with those before it
  std::atomic<uint64_t> losses_{0}, settled_losses_{0};
  std::atomic<bool> repairs_{false};
  std::atomic<bool> ignore_metadata_csums_{false};
  std::atomic<TreeCheckDepth> check_depth_{TreeCheckDepth::full};
  mutable SharedMutex mutex_;
  std::map<uint64_t, std::shared_ptr<const ChunkMapping>> chunks_ BF_GUARDED_BY(mutex_);
  Uuid chunk_tree_uuid_ BF_GUARDED_BY(mutex_);
};

// Decodes a CHUNK_ITEM that passed check_chunk_item.
ChunkMapping decode_chunk(const Key& key, ByteSpan item);

}  // namespace butterfuse
