// SPDX-License-Identifier: GPL-2.0-or-later
// Reflink: items that point to existing extents, a bounded number in each transaction.
#include "fs/data/reflink.h"

#include <algorithm>

#include "fs/data/extent_step.h"

namespace butterfuse {
namespace {

constexpr size_t kExtentsPerStep = 16;

struct Plan {
  ByteRange target;
  std::vector<FileExtent> extents;  // in it
};

// The first extents of `from` in the range, cut to it and moved to where `to` will have them. Holes stay out.
// As many as a step may insert, and no further than it may drop.
Result<Plan> plan_step(const CopyRequest& request, ByteRange source) {
  const uint64_t moved_by = request.to_offset - request.from_offset;  // perhaps below zero: modulo 2^64
  Plan plan{{source.start + moved_by, source.end + moved_by}, {}};
  BF_ASSIGN(plan.target.end, end_of_first_part(request.to, plan.target));
  source.end = plan.target.end - moved_by;
  BF_TRY(for_each_file_extent(request.from.tree(), request.from.ino(), source, [&](const FileExtent& extent) {
    const ByteRange part = ByteRange{extent.start, extent.end()}.intersection(source);
    if (extent.kind == ExtentKind::hole || part.empty()) return true;
    if (plan.extents.size() == kExtentsPerStep) {
      plan.target.end = part.start + moved_by;
      return false;
    }
    FileExtent moved = extent;
    moved.offset += part.start - extent.start;
    moved.start = part.start + moved_by;
    moved.num_bytes = part.length();
    plan.extents.push_back(std::move(moved));
    return true;
  }));
  return plan;
}

}  // namespace

Result<bool> can_reflink(const CopyRequest& request) {
  if (request.from.nodatasum() != request.to.nodatasum()) return false;
  bool is_inline = false;
  const ByteRange first = ByteRange::at(request.from_offset, 1);
  BF_TRY(for_each_file_extent(request.from.tree(), request.from.ino(), first, [&](const FileExtent& extent) {
    is_inline = extent.kind == ExtentKind::inline_data;
    return false;
  }));
  return !is_inline;
}

Status reflink(Mount& mount, const CopyRequest& request, uint64_t& done) {
  const ByteRange source = ByteRange::at(request.from_offset, round_up(request.length, kSectorSize));
  StepReservations reservations(mount, request.to, items_of_step(kExtentsPerStep),
                                StepReservations::Kind::changing);
  while (done < request.length) {
    BF_ASSIGN(Reservation metadata, reservations.next());
    BF_ASSIGN(const Plan plan, plan_step(request, {source.start + done, source.end}));
    const uint64_t end = std::min(plan.target.end, request.to_offset + request.length);
    BF_TRY(apply_step(mount, request.to, std::move(metadata),
                      {.target = plan.target, .extents = plan.extents, .size = end}));
    done = end - request.to_offset;
  }
  return {};
}

}  // namespace butterfuse
