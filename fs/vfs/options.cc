// Parsing of mount options: one table row an option, named as the kernel and the FUSE peers name them.
#include "fs/vfs/options.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "compress/codec.h"
#include "fs/vfs/option_words.h"

namespace butterfuse {
namespace {

struct Option {
  std::string name;
  std::optional<std::string> value;
  std::string word;  // as it was written
  std::string text() const { return value ? name + "=" + *value : name; }
};
using Handler = std::function<Status(const Option&, MountOptions&)>;

template <class T>
std::optional<T> parse_integer(std::string_view text, int base = 10) {
  T number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<uint32_t> parse_count(std::string_view text) { return parse_integer<uint32_t>(text); }

std::optional<uint64_t> parse_subvolid(std::string_view text) {
  if (text.starts_with("0x")) return parse_integer<uint64_t>(text.substr(2), 16);
  return parse_integer<uint64_t>(text);
}

std::optional<uint64_t> parse_size(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int shift = 0;
  switch (text.back() | 0x20) {
    case 'k':
      shift = 10;
      break;
    case 'm':
      shift = 20;
      break;
    case 'g':
      shift = 30;
      break;
    case 't':
      shift = 40;
      break;
    default:
      break;
  }
  if (shift != 0) text.remove_suffix(1);
  auto number = parse_integer<uint64_t>(text);
  if (!number || (*number << shift) >> shift != *number) return std::nullopt;
  return *number << shift;
}

auto bad_value(const Option& option) {
  return make_error(EINVAL, "bad value in mount option '{}'", option.text());
}

void turn_compression_off(MountOptions& options) { options.compress = {}; }

// zlib 1-9 and zstd -15..15 are what the kernel takes; lzo has no levels.
bool level_is_valid(const Codec& codec, int level) {
  if (level == 0) return true;
  if (codec.type() == compression_type::kZlib) return level >= 1 && level <= 9;
  return codec.type() == compression_type::kZstd && level >= -15 && level <= 15;
}

Status parse_compress(const Option& option, MountOptions& options, bool force) {
  const std::string value = option.value.value_or("zlib");
  if (value == "no" || value == "none") {
    turn_compression_off(options);
    return {};
  }
  const size_t colon = value.find(':');
  const Codec* codec = codec_by_name(value.substr(0, colon));
  if (codec == nullptr || codec->type() == compression_type::kNone) return bad_value(option);
  int level = 0;
  if (colon != std::string::npos) {
    auto number = parse_integer<int>(std::string_view(value).substr(colon + 1));
    if (!number || !level_is_valid(*codec, *number)) return bad_value(option);
    level = *number;
  }
  options.compress = {.type = codec->type(), .level = level, .force = force};
  options.datacow = options.datasum = true;  // as in btrfs: compression needs both
  return {};
}

Handler set(std::function<void(MountOptions&)> action) {
  return [action](const Option& option, MountOptions& options) -> Status {
    if (option.value) return make_error(EINVAL, "mount option '{}' takes no value", option.name);
    action(options);
    return {};
  };
}

template <class Parse, class Store>
Handler number(Parse parse, Store store) {
  return [=](const Option& option, MountOptions& options) -> Status {
    auto value = option.value ? parse(*option.value) : std::nullopt;
    if (!value) return bad_value(option);
    store(options, *value);
    return {};
  };
}

Handler ignore() {
  return [](const Option& option, MountOptions& options) -> Status {
    options.ignored.push_back(option.text());
    return {};
  };
}

Handler silent() {
  return [](const Option&, MountOptions&) -> Status { return {}; };
}

Handler pass_on() {
  return [](const Option& option, MountOptions& options) -> Status {
    options.fuse_options.push_back(option.word);
    return {};
  };
}

Handler refuse(const char* reason) {
  return [reason](const Option& option, MountOptions&) -> Status {
    return make_error(ENOTSUP, "mount option '{}': {}", option.text(), reason);
  };
}

Status parse_space_cache(const Option& option, MountOptions& options) {
  if (!option.value || *option.value == "v2") return ignore()(option, options);
  return make_error(ENOTSUP, "mount option '{}': only the free space tree (v2) is supported", option.text());
}

Status parse_discard(const Option& option, MountOptions& options) {
  if (option.value && *option.value != "sync" && *option.value != "async") return bad_value(option);
  options.discard = true;
  return {};
}

Status parse_sandbox(const Option& option, MountOptions& options) {
  if (option.value != "on" && option.value != "off") return bad_value(option);
  options.sandbox = option.value == "on";
  return {};
}

struct RescueWord {
  std::string_view name, short_name;
  void (*apply)(MountOptions&);
};

constexpr RescueWord kRescueWords[] = {
    {"nologreplay", "", [](MountOptions& m) { m.replay_log = false; }},
    {"ignoredatacsums", "idatacsums", [](MountOptions& m) { m.check_data_csums = false; }},
    {"ignoremetacsums", "imetacsums", [](MountOptions& m) { m.rescue.metadata_csums = true; }},
    {"ignorebadroots", "ibadroots", [](MountOptions& m) { m.rescue.bad_roots = true; }},
    {"usebackuproot", "", [](MountOptions& m) { m.rescue.backup_roots = true; }},
};

// Words with colons between, each for reading what is damaged.
Status parse_rescue(const Option& option, MountOptions& options) {
  std::string_view text = option.value ? std::string_view(*option.value) : std::string_view();
  if (text.empty()) return bad_value(option);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(':'));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    bool known = false;
    for (const RescueWord& row : kRescueWords) {
      if (word.empty() || (word != row.name && word != row.short_name && word != "all")) continue;
      row.apply(options);
      known = true;
    }
    if (!known) return bad_value(option);
  }
  return {};
}

Status parse_subvol(const Option& option, MountOptions& options) {
  if (!option.value || option.value->empty()) return bad_value(option);
  options.subvol =
      option.word.substr(option.word.find('=') + 1);  // as it is written: see Mount::choose_subvolume
  return {};
}

void add_data_options(std::map<std::string, Handler, std::less<>>& table) {
  table["compress"] = [](const Option& o, MountOptions& m) { return parse_compress(o, m, false); };
  table["compress-force"] = [](const Option& o, MountOptions& m) { return parse_compress(o, m, true); };
  table["datacow"] = set([](MountOptions& m) { m.datacow = true; });
  table["datasum"] = set([](MountOptions& m) { m.datasum = m.datacow = true; });
  table["nodatacow"] = set([](MountOptions& m) {
    m.datacow = m.datasum = false;
    turn_compression_off(m);
  });
  table["nodatasum"] = set([](MountOptions& m) {
    m.datasum = false;
    turn_compression_off(m);
  });
  table["max_inline"] = number(parse_size, [](MountOptions& m, uint64_t bytes) {
    m.max_inline_bytes = static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX));
  });
  table["thread_pool"] =
      number(parse_count, [](MountOptions& m, uint32_t threads) { m.thread_pool = std::min(threads, 256u); });
  table["cache_size"] = number(parse_size, [](MountOptions& m, uint64_t bytes) { m.cache_bytes = bytes; });
  table["commit"] = number(
      parse_count, [](MountOptions& m, uint32_t seconds) { m.commit_interval_s = seconds ? seconds : 30; });
  table["discard"] = parse_discard;
  table["sandbox"] = parse_sandbox;
  table["acl"] = set([](MountOptions& m) { m.acl = true; });
  table["noacl"] = set([](MountOptions& m) { m.acl = false; });
  table["treelog"] = set([](MountOptions& m) { m.tree_log = true; });
  table["notreelog"] = set([](MountOptions& m) { m.tree_log = false; });
  table["norecovery"] = table["nologreplay"] = set([](MountOptions& m) { m.replay_log = false; });
  table["flushoncommit"] = set([](MountOptions& m) { m.flush_on_commit = true; });
  table["noflushoncommit"] = set([](MountOptions& m) { m.flush_on_commit = false; });
  table["clear_cache"] = set([](MountOptions& m) { m.clear_cache = true; });
  table["nodiscard"] = set([](MountOptions& m) { m.discard = false; });
}

void add_mount_options(std::map<std::string, Handler, std::less<>>& table) {
  table["ro"] = set([](MountOptions& m) { m.read_only = true; });
  table["rw"] = set([](MountOptions& m) { m.read_only = false; });
  table["subvol"] = parse_subvol;
  table["subvolid"] = number(
      parse_subvolid, [](MountOptions& m, uint64_t id) { m.subvolid = id == 0 ? objectid::kFsTree : id; });
  table["offset"] = number(parse_size, [](MountOptions& m, uint64_t bytes) { m.window.offset = bytes; });
  table["sizelimit"] = number(parse_size, [](MountOptions& m, uint64_t bytes) { m.window.bytes = bytes; });
  table["part"] = number(parse_count, [](MountOptions& m, uint32_t part) { m.window.partition = part; });
  table["degraded"] = set([](MountOptions& m) { m.degraded = true; });
  table["device"] = [](const Option& option, MountOptions& options) -> Status {
    if (!option.value || option.value->empty()) return bad_value(option);
    options.devices.push_back(*option.value);
    return {};
  };
  table["noatime"] = set([](MountOptions& m) { m.atime = AtimeMode::noatime; });
  table["relatime"] = set([](MountOptions& m) { m.atime = AtimeMode::relatime; });
  table["atime"] = table["norelatime"] = table["relatime"];
  table["strictatime"] = set([](MountOptions& m) { m.atime = AtimeMode::strictatime; });
  table["nostrictatime"] = table["relatime"];
  table["nodiratime"] = set([](MountOptions& m) { m.nodiratime = true; });
  table["diratime"] = set([](MountOptions& m) { m.nodiratime = false; });
  table["dirsync"] = set([](MountOptions& m) { m.sync_names = true; });
  table["kernel"] = [](const Option& option, MountOptions& m) -> Status {  // as fuse2fs has it
    if (option.value) return bad_value(option);
    m.default_permissions = m.suid_given = m.dev_given = true;
    m.fuse_options.insert(m.fuse_options.end(), {"allow_other", "suid", "dev"});
    return {};
  };
  table["writeback_cache"] = set([](MountOptions& m) { m.writeback_cache = true; });
  table["no_writeback_cache"] = set([](MountOptions& m) { m.writeback_cache = false; });
  table["default_permissions"] = set([](MountOptions& m) { m.default_permissions = true; });
  table["no_default_permissions"] = set([](MountOptions& m) { m.default_permissions = false; });
  for (const char* name : {"suid", "nosuid"}) {
    table[name] = [](const Option& o, MountOptions& m) { return m.suid_given = true, pass_on()(o, m); };
  }
  for (const char* name : {"dev", "nodev"}) {
    table[name] = [](const Option& o, MountOptions& m) { return m.dev_given = true, pass_on()(o, m); };
  }
  for (const char* name : {"allow_other", "allow_root", "auto_unmount", "exec", "noexec", "sync", "async",
                           "fsname", "subtype", "max_read"}) {
    table[name] = pass_on();
  }
}

Handler id_range(IdMap MountOptions::*map) {
  return [map](const Option& option, MountOptions& options) -> Status {
    if (!option.value) return bad_value(option);
    return (options.*map).add_range(*option.value);
  };
}

void add_owner_options(std::map<std::string, Handler, std::less<>>& table) {
  table["uid"] = number(parse_count, [](MountOptions& m, uint32_t id) { m.uids.show_all_as(id); });
  table["gid"] = number(parse_count, [](MountOptions& m, uint32_t id) { m.gids.show_all_as(id); });
  table["umask"] = number([](std::string_view text) { return parse_integer<uint32_t>(text, 8); },
                          [](MountOptions& m, uint32_t mask) { m.hidden_mode = mask & 0777; });
  table["uidmap"] = id_range(&MountOptions::uids);
  table["gidmap"] = id_range(&MountOptions::gids);
  table["fakeroot"] = set([](MountOptions& m) {
    m.fakeroot = true;
    m.default_permissions = false;
    m.fuse_options.insert(m.fuse_options.end(), {"nosuid", "nodev"});
    m.suid_given = m.dev_given = true;
  });
}

void add_compatibility_options(std::map<std::string, Handler, std::less<>>& table) {
  for (const char* name : {"ssd",
                           "nossd",
                           "ssd_spread",
                           "nossd_spread",
                           "autodefrag",
                           "noautodefrag",
                           "metadata_ratio",
                           "enospc_debug",
                           "noenospc_debug",
                           "fatal_errors",
                           "inode_cache",
                           "noinode_cache",
                           "context",
                           "fscontext",
                           "defcontext",
                           "rootcontext",
                           "skip_balance",
                           "rescan_uuid_tree",
                           "user_subvol_rm_allowed",
                           "barrier",
                           "nobarrier"}) {
    table[name] = ignore();
  }
  for (const char* name :
       {"defaults", "auto", "noauto", "user", "nouser", "users", "owner", "group", "_netdev", "nofail",
        "silent", "loud", "mand", "nomand", "iversion", "noiversion", "lazytime", "nolazytime"}) {
    table[name] = silent();
  }
  table["space_cache"] = parse_space_cache;
  table["nospace_cache"] = refuse("would drop the free space tree");
  table["usebackuproot"] = set([](MountOptions& m) { m.rescue.backup_roots = true; });
  table["rescue"] = parse_rescue;
  table["fragment"] = refuse("is a debugging aid of the kernel");
  table["remount"] = refuse("unmount and mount again with the new options");
}

const std::map<std::string, Handler, std::less<>>& option_table() {
  static const auto table = [] {
    std::map<std::string, Handler, std::less<>> rows;
    add_data_options(rows);
    add_mount_options(rows);
    add_owner_options(rows);
    add_compatibility_options(rows);
    return rows;
  }();
  return table;
}

Status apply_option(const Option& option, MountOptions& options) {
  if (option.name.starts_with("x-") || option.name.starts_with("comment")) return {};
  auto row = option_table().find(option.name);
  if (row == option_table().end()) return make_error(EINVAL, "unknown mount option '{}'", option.text());
  return row->second(option, options);
}

}  // namespace

Status parse_mount_options(std::string_view text, MountOptions& options) {
  while (!text.empty()) {
    const std::string_view word = take_option_word(text);
    if (word.empty()) continue;
    const size_t equals = word.find('=');
    Option option{std::string(word.substr(0, equals)), std::nullopt, std::string(word)};
    if (equals != std::string_view::npos) option.value = unescaped_option_value(word.substr(equals + 1));
    BF_TRY(apply_option(option, options));
    options.text += (options.text.empty() ? "" : ",") + std::string(word);
  }
  return {};
}

bool same_effect(MountOptions a, MountOptions b) {
  for (MountOptions* options : {&a, &b}) {
    options->text.clear();
    options->ignored.clear();
    auto& passed = options->fuse_options;
    std::sort(passed.begin(), passed.end());
    passed.erase(std::unique(passed.begin(), passed.end()), passed.end());
  }
  return a == b;
}

Status check_mount_options(const MountOptions& options) {
  const auto& passed = options.fuse_options;
  if (options.fakeroot && std::find(passed.begin(), passed.end(), "allow_other") != passed.end())
    return make_error(EINVAL, "'fakeroot' lets everyone in do everything: not with 'allow_other'");
  if (!options.replay_log && !options.read_only)
    return make_error(EINVAL, "mounting without the log (norecovery, rescue=nologreplay) needs 'ro'");
  if (!options.check_data_csums && !options.read_only)
    return make_error(EINVAL, "mounting without checksums (rescue=ignoredatacsums) needs 'ro'");
  if ((options.rescue.may_change_trees() || options.rescue.metadata_csums) && !options.read_only)
    return make_error(EINVAL, "mounting in spite of damage (usebackuproot, rescue=) needs 'ro'");
  return {};
}

}  // namespace butterfuse
