// SPDX-License-Identifier: GPL-2.0-or-later
// in_transaction: one small change, in a transaction handle of its own.
#pragma once

#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// Calls work(handle), a Status, with room for changing `items` items; aborts the transaction where that
// fails. May commit before: the caller holds no handle and no tree lock.
template <class Work>
Status in_transaction(Filesystem& filesystem, uint32_t items, const Work& work) {
  BF_ASSIGN(TransactionHandle handle, filesystem.begin_freeing(items));
  Status done = work(handle);
  if (!done) handle.abort(done.error());
  return done;
}

}  // namespace butterfuse::repair
