// SPDX-License-Identifier: GPL-2.0-or-later
// Page handles: each method asks the mapping, under its mutex, for the change.
// A method that ends a handle keeps the mapping alive over its own call: clear() gives back what may be the
// last reference to it.
#include "core/base/assert.h"
#include "core/cache/locked_pages.h"
#include "core/cache/mapping.h"

namespace butterfuse {

LockedPages& LockedPages::operator=(LockedPages&& other) noexcept {
  if (this == &other) return *this;
  unlock();
  PageSet::operator=(std::move(other));
  return *this;
}

// Only the end can be cut off; so this gives away what is left after that.
LockedPages LockedPages::take_front(PageIndex at) {
  LockedPages behind = split_off(at);
  LockedPages front = std::move(*this);
  *this = std::move(behind);
  return front;
}

bool LockedPages::all_uptodate() const { return empty() || mapping_->all_uptodate(*this); }
bool LockedPages::all_dirty() const { return empty() || mapping_->all_dirty(*this); }

void LockedPages::set_uptodate() {
  if (!empty()) mapping_->set_uptodate(*this);
}

void LockedPages::clear_uptodate() {
  if (!empty()) mapping_->clear_uptodate(*this);
}

void LockedPages::expect_dirty(const std::shared_ptr<WritebackDomain>& domain) {
  if (!empty()) mapping_->expect_dirty(*this, domain);
}

uint64_t LockedPages::set_dirty(const std::shared_ptr<WritebackDomain>& domain) {
  return empty() ? 0 : mapping_->set_dirty(*this, domain);
}

uint64_t LockedPages::clear_dirty() { return empty() ? 0 : mapping_->clear_dirty(*this); }

WritebackPages LockedPages::start_writeback() && {
  if (!empty()) mapping_->start_writeback(*this);
  return WritebackPages(std::move(static_cast<PageSet&>(*this)));
}

void LockedPages::drop() && {
  if (empty()) return;
  const auto mapping = mapping_;
  mapping->drop(*this);
  clear();
}

void LockedPages::unlock() {
  if (empty()) return;
  const auto mapping = mapping_;
  mapping->unlock(*this);
  clear();
}

WritebackPages& WritebackPages::operator=(WritebackPages&& other) noexcept {
  if (this == &other) return *this;
  end();
  PageSet::operator=(std::move(other));
  return *this;
}

WritebackPages WritebackPages::take_front(PageIndex at) {
  WritebackPages behind = split_off(at);
  WritebackPages front = std::move(*this);
  *this = std::move(behind);
  return front;
}

void WritebackPages::end() {
  if (empty()) return;
  const auto mapping = mapping_;
  mapping->end_writeback(*this, true);
  clear();
}

void WritebackPages::end_failed() {
  if (empty()) return;
  const auto mapping = mapping_;
  mapping->end_writeback(*this, false);
  clear();
}

PinnedPages& PinnedPages::operator=(PinnedPages&& other) noexcept {
  if (this == &other) return *this;
  unpin();
  PageSet::operator=(std::move(other));
  return *this;
}

void PinnedPages::unpin() {
  if (empty()) return;
  const auto mapping = mapping_;
  mapping->unpin(*this);
  clear();
}

}  // namespace butterfuse
