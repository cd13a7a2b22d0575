// SPDX-License-Identifier: GPL-2.0-or-later
// GoldenManifest: what a mount of a golden image must show, and the same made by walking a Filesystem.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/transaction/filesystem.h"

// Fields of one entry (t, mode, uid, size, data, ...), by name; see manifest.py beside the images.
using ManifestEntry = std::map<std::string, std::string>;
// Entries by escaped path; "/" is the root.
using Manifest = std::map<std::string, ManifestEntry>;

// Reads NAME.manifest.zst. Throws when there is none.
Manifest load_manifest(const std::string& name);

// Walks a subvolume and those below it through core/items and core/read. Errors become an "err" field.
// Fields that only a mount can answer (ino, fl, blk, ctime, holes) are left out.
Manifest walk_manifest(butterfuse::Filesystem& filesystem, uint64_t root_id);

// One line a difference, over the fields that walk_manifest makes; "*" matches anything.
std::vector<std::string> compare_manifests(const Manifest& golden, const Manifest& actual);
