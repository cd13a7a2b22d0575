// SPDX-License-Identifier: GPL-2.0-or-later
// Calls: what every thread does.
#include "tests/seams/calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace butterfuse::seams {
namespace {

constexpr unsigned long kCommitIoctl = 0x9408;  // BTRFS_IOC_SYNC

bool is_gone(long result, bool over) {
  return result == -ENOTCONN || result == -ECONNABORTED || (over && (result == -EIO || result == -ENODEV));
}

std::string sample(const std::string& bytes, size_t at) {
  std::string text;
  for (size_t i = at; i < std::min(bytes.size(), at + 12); ++i)
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[i]));
  return text;
}

}  // namespace

long or_errno(long result) { return result < 0 ? -errno : result; }

long repeated(const std::function<long()>& f) {
  for (;;)
    if (const long result = or_errno(f()); result != -EINTR) return result;
}

Calls::Calls(Life& life, int thread)
    : life_(life), thread_(thread), random_(life.setting.seed * 64 + static_cast<uint64_t>(thread)) {
  stamp_ = static_cast<uint64_t>(thread) << 20;
}

void Calls::run() {
  try {
    for (; !life_.is_over(); note_end()) {
      if (life_.setting.clean && calls_ >= life_.setting.style.calls) break;
      ++stamp_;
      step();
    }
  } catch (const Over&) {
    life_.end();
  }
  if (life_.setting.clean && !life_.is_over()) {
    close_all();
    life_.thread_is_done();
  }
}

void Calls::note_end() {
  ++calls_;
  const LifeSetting& setting = life_.setting;
  if (setting.clean || setting.delay_us >= 0 || setting.after_fsync || thread_ != life_.killer) return;
  if (calls_ >= setting.style.calls) life_.end();
}

void Calls::promised() {
  const LifeSetting& setting = life_.setting;
  if (!setting.clean && setting.after_fsync && thread_ == life_.killer && calls_ >= setting.style.calls)
    life_.end();
}

Calls::Called Calls::call(std::string text, const std::function<long()>& f) {
  Called called;
  called.begun = life_.clock.tick();
  const size_t entry = life_.trace.begin(called.begun, thread_, std::move(text));
  called.result = f();
  life_.trace.end(
      entry, life_.clock.tick(),
      called.ok() ? std::to_string(called.result) : std::strerror(static_cast<int>(-called.result)));
  if (is_gone(called.result, life_.is_over())) throw Over{};
  return called;
}

bool Calls::may_fail_for_space(const Called& called) const {
  return called.result == -ENOSPC && life_.course.fills();
}

void Calls::check(const Called& called, const std::string& what) {
  if (called.ok() || life_.is_over() || may_fail_for_space(called)) return;
  life_.complain(fmt::format("{} failed: {}", what, std::strerror(static_cast<int>(-called.result))));
  throw Over{};
}

void Calls::end_change(FileModel& model, const Pending& pending, const Called& called) {
  const uint64_t done = called.ok() ? static_cast<uint64_t>(called.result) : 0;
  if (done >= pending.range.length())
    model.end(pending, life_.clock);
  else
    model.end_after(pending, done, life_.clock);
}

void Calls::end_resize(FileModel& model, const Pending& pending, const Called& called) {
  if (called.ok())
    model.end(pending, life_.clock);
  else
    model.end_after(pending, 0, life_.clock);
}

void Calls::write(const Target& target, uint64_t offset, std::string bytes, const char* how, bool append,
                  bool durable) {
  const std::string what = fmt::format("{} {} [{}, {})", how, target.name, offset, offset + bytes.size());
  const std::string copy = bytes;
  const Pending pending = target.model->begin_write(offset, std::move(bytes), loose_writes());
  const Called called = call(what, [&] {
    return repeated([&] {
      return append ? ::write(target.fd, copy.data(), copy.size())
                    : pwrite(target.fd, copy.data(), copy.size(), static_cast<off_t>(offset));
    });
  });
  end_change(*target.model, pending, called);
  if (called.ok() && (durable || life_.setting.sync)) {
    // The bytes, and all before them that their atoms held.
    const uint64_t now = life_.clock.tick();
    target.model->promise({offset, offset + static_cast<uint64_t>(called.result)}, now,
                          size_time(pending, called, now));
    promised();
  }
  // The write may have been done, and only the sync behind it refused.
  if (!called.ok() && (durable || life_.setting.sync)) {
    take_what_is_there(target, pending);
  } else if (called.result != static_cast<long>(copy.size())) {
    read(target, pending.range, "read after a part of");
  }
  check(called, what);
}

void Calls::take_what_is_there(const Target& target, const Pending& pending) {
  std::string found(pending.range.length(), '\0');
  const std::string what =
      fmt::format("read what is in {} [{}, {})", target.name, pending.range.start, pending.range.end);
  const Called called = call(what, [&] {
    return or_errno(pread(target.fd, found.data(), found.size(), static_cast<off_t>(pending.range.start)));
  });
  if (!called.ok() || life_.is_over()) return check(called, what);
  found.resize(static_cast<size_t>(called.result));
  for (size_t i = 0; i < found.size(); ++i) {
    const char before = i < pending.before.size() ? pending.before[i] : '\0';
    if (found[i] == before || found[i] == pending.after[i]) continue;
    life_.complain(fmt::format("{}: the byte at {} is neither the old nor the new: {}", what,
                               pending.range.start + i, sample(found, i)));
    throw Over{};
  }
  if (!found.empty())
    target.model->end(target.model->begin_write(pending.range.start, found, pending.loose), life_.clock);
}

// Another thread's size is that of when the call began; and where the kernel keeps writes,
// it may know more than the daemon.
uint64_t Calls::size_time(const Pending& pending, const Called& called, uint64_t now) const {
  if (pending.new_size > pending.old_size) return now;
  return loose_writes() ? 0 : called.begun;
}

void Calls::resize(const Target& target, uint64_t size) {
  const std::string what = fmt::format("truncate {} from {} to {}", target.name, target.model->size(), size);
  const Pending pending = target.model->begin_resize(size);
  const Called called = call(what, [&] { return or_errno(ftruncate(target.fd, static_cast<off_t>(size))); });
  end_resize(*target.model, pending, called);
  check(called, what);
}

void Calls::copy(const Target& from, uint64_t from_offset, const Target& to, uint64_t to_offset,
                 uint64_t length) {
  std::string bytes = from.model->expected({from_offset, from_offset + length});
  if (bytes.empty()) return;
  const uint64_t copied = bytes.size();
  const std::string what = fmt::format("copy {} [{}, {}) to {} [{}, {})", from.name, from_offset,
                                       from_offset + length, to.name, to_offset, to_offset + copied);
  const Pending pending = to.model->begin_write(to_offset, std::move(bytes), false);
  const Called called = call(what, [&] {
    auto source = static_cast<off64_t>(from_offset), target = static_cast<off64_t>(to_offset);
    return or_errno(copy_file_range(from.fd, &source, to.fd, &target, length, 0));
  });
  end_change(*to.model, pending, called);
  if (called.result != static_cast<long>(copied)) read(to, pending.range, "read after a part of");
  check(called, what);
}

void Calls::read(const Target& target, Range range, const char* how) {
  std::string found(range.length(), '\0');
  const std::string what = fmt::format("{} {} [{}, {})", how, target.name, range.start, range.end);
  const Called called = call(what, [&] {
    size_t done = 0;
    while (done < found.size()) {
      const ssize_t got =
          pread(target.fd, found.data() + done, found.size() - done, static_cast<off_t>(range.start + done));
      if (got < 0) return -static_cast<long>(errno);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return static_cast<long>(done);
  });
  if (!called.ok()) return check(called, what);
  found.resize(static_cast<size_t>(called.result));
  compare(target, range, found, how);
}

void Calls::compare(const Target& target, Range range, const std::string& found, const char* how) {
  const std::string expected = target.model->expected(range);
  if (found == expected || life_.is_over()) return;
  if (found.size() != expected.size()) {
    life_.complain(fmt::format("{} {} [{}, {}): {} bytes instead of {}, they begin {}; {}", how, target.name,
                               range.start, range.end, found.size(), expected.size(), sample(found, 0),
                               target.model->describe(range.start)));
    throw Over{};
  }
  const auto at =
      static_cast<size_t>(std::mismatch(found.begin(), found.end(), expected.begin()).first - found.begin());
  const uint64_t wrong = static_cast<uint64_t>(std::count_if(
      found.begin(), found.end(), [&, i = size_t{0}](char c) mutable { return c != expected[i++]; }));
  life_.complain(fmt::format("{} {} [{}, {}): {} bytes are wrong, the first at {}: found {}, expected {}; {}",
                             how, target.name, range.start, range.end, wrong, range.start + at,
                             sample(found, at), sample(expected, at),
                             target.model->describe(range.start + at)));
  throw Over{};
}

void Calls::commit() {
  const Called called = call("commit", [&] {
    const int fd = open(life_.daemon.place().mountpoint().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -static_cast<long>(errno);
    const long result = or_errno(ioctl(fd, kCommitIoctl));
    close(fd);
    return result;
  });
  if (!called.ok()) return check(called, "commit");
  const bool sizes = !loose_writes();
  for (auto& file : life_.files) file->model->promise_what_daemon_has(called.begun, sizes);
  for (auto& folder : life_.folders) folder->model->promise_all(called.begun, sizes);
  promised();
}

void Calls::chattr(const Target& target) {
  const int flag = random_.pick<int>({FS_COMPR_FL, FS_NOCOMP_FL, FS_NOCOW_FL, FS_NODUMP_FL, FS_NOATIME_FL});
  const Called called = call(fmt::format("chattr {} {:#x}", target.name, flag), [&] {
    int flags = 0;
    if (ioctl(target.fd, FS_IOC_GETFLAGS, &flags) != 0) return -static_cast<long>(errno);
    flags ^= flag;
    if (flag == FS_COMPR_FL) flags &= ~(FS_NOCOMP_FL | FS_NOCOW_FL);
    if (flag == FS_NOCOMP_FL) flags &= ~FS_COMPR_FL;
    if (flag == FS_NOCOW_FL) flags &= ~(FS_COMPR_FL | FS_NOCOMP_FL);
    return or_errno(ioctl(target.fd, FS_IOC_SETFLAGS, &flags));
  });
  // C stays where there is content, and does not go with c.
  if (called.result != -EINVAL) check(called, "chattr " + target.name);
}

}  // namespace butterfuse::seams
