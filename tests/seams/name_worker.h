// SPDX-License-Identifier: GPL-2.0-or-later
// NameWorker: a thread that makes, renames, links and removes files in a folder of its own.
#pragma once

#include <map>

#include "tests/seams/calls.h"

namespace butterfuse::seams {

class NameWorker : public Calls {
 public:
  NameWorker(Life& life, int thread, OwnFolder& folder)
      : Calls(life, thread), folder_(folder), model_(*folder.model) {}
  ~NameWorker() override { close_all(); }

 private:
  using Changes = std::vector<NamesModel::Change>;

  void step() override;
  void close_all() override;

  std::string path(const Name& name) const { return life_.path(folder_.name + "/" + model_.path(name)); }
  std::string path(NodeId node) const;
  std::string shown(const Name& name) const { return folder_.name + "/" + model_.path(name); }
  Name new_name();  // may be taken
  std::optional<Name> pick_name(bool directories);
  std::optional<NodeId> pick_file();
  int fd(NodeId file);
  Target target(NodeId file);
  // The names change as told if the call works. With dirsync, those of `synced` are durable then.
  bool change_names(const std::string& what, const Changes& changes, const std::vector<NodeId>& synced,
                    const std::function<long()>& f);

  void create();
  void make_directory();
  void tmpfile();
  void rename();
  void exchange();
  void link();
  void unlink();
  void remove_directory();
  void replace();  // a new file takes an old one's place, as editors do it
  void write_file();
  void truncate_file();
  void copy_file();
  void sync_file();
  void sync_directory();
  void list();
  void forget_descriptor();

  OwnFolder& folder_;
  NamesModel& model_;
  std::map<NodeId, int> fds_;
  std::optional<NodeId> last_written_;
};

}  // namespace butterfuse::seams
