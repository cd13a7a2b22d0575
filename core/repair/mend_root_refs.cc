// mend_root_refs: each item's other half has the same data under the mirrored key.
#include "core/repair/mend_root_refs.h"

namespace butterfuse::repair {
namespace {

constexpr uint32_t kItems = 4;

struct Half {
  Key key;
  std::vector<std::byte> data;
};

Result<std::vector<Half>> all_halves(Tree& root_tree) {
  std::vector<Half> halves;
  ReadCursor cursor(root_tree);
  BF_TRY(cursor.seek({0, 0, 0}));
  while (cursor.valid()) {
    const Key key = cursor.key();
    if (key.type == key_type::kRootRef || key.type == key_type::kRootBackref)
      halves.push_back({key, {cursor.data().begin(), cursor.data().end()}});
    BF_TRY(cursor.next());
  }
  return halves;
}

}  // namespace

Result<uint64_t> mend_root_refs(Filesystem& filesystem, const Report& report) {
  Tree& root_tree = filesystem.root_tree();
  BF_ASSIGN(const std::vector<Half> halves, all_halves(root_tree));
  uint64_t changes = 0;
  for (const Half& half : halves) {
    const bool is_backref = half.key.type == key_type::kRootBackref;
    const Key other{half.key.offset, is_backref ? key_type::kRootRef : key_type::kRootBackref,
                    half.key.objectid};
    BF_ASSIGN(const auto there, lookup_item(root_tree, other));
    if (there && (*there == half.data || !is_backref)) continue;
    BF_ASSIGN(TransactionHandle handle, filesystem.begin_freeing(kItems));
    WriteCursor cursor(root_tree, handle);
    BF_ASSIGN(const bool found, cursor.seek(other));
    if (found) BF_TRY(cursor.remove());
    BF_TRY(cursor.insert(other, ByteSpan(half.data)));
    report(fmt::format("root tree: {} written", to_text(other)));
    ++changes;
  }
  return changes;
}

}  // namespace butterfuse::repair
