/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: what all manifests offer, with what locks and an index know of it and what of it is
 * here. Nothing is guessed: a size that nobody pinned is not known. For listings, menus and plans.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "digest/digest.h"
#include "index/index.h"
#include "manifest/lock.h"
#include "manifest/manifest.h"

enum {
	BAKE_CATALOG_DOCUMENTS_MAX = 256, /* manifests that one catalog is made of */
	BAKE_CATALOG_ENTRIES_MAX = 65536
};

/* Who vouches for the bytes. */
enum bake_catalog_pins {
	BAKE_PINS_NONE,	  /* bake-lock has yet to find out */
	BAKE_PINS_DIGEST, /* the manifest has the SHA-256 of every file */
	BAKE_PINS_LOCK	  /* the lock has, and it answers the manifest as it is now */
};

enum bake_catalog_state {
	BAKE_CATALOG_UNKNOWN, /* nobody looked, or the names of its files are not known */
	BAKE_CATALOG_ABSENT,
	BAKE_CATALOG_PARTIAL, /* some of its files are there, or one of another size */
	BAKE_CATALOG_INSTALLED
};

/* A model. What is NULL or 0 is not known. */
struct bake_catalog_entry {
	const char *key; /* what tells it apart: its id, or "manifest/id" where ids meet */
	const char *id;
	const char *title;
	const char *description;
	const char *role;
	const char *category;
	const char *format; /* "gguf", "safetensors", "diffusers", "transformers" */
	const char *quantization;
	const char *license;
	const char *const *tags;
	size_t tag_count;
	const char *const *aliases;
	size_t alias_count;
	const struct bake_catalog_source *source; /* the documents it is from */
	const struct bake_model *model;		  /* in the manifest; NULL: only an index has it */
	const struct bake_lock_model *locked;	  /* its pins; NULL: none */
	const struct bake_index_model *indexed;	  /* NULL: no index has it */
	const struct bake_placed_file *files;
	size_t file_count; /* 0: the names are not known */
	uint64_t bytes;	   /* of all files together, when size_known */
	uint64_t min_ram_bytes;
	uint64_t local_bytes; /* of its files that are there, once it was looked at */
	uint64_t priority;    /* 1 comes first; 0: none was given */
	unsigned group;	      /* see bake_catalog_group_title */
	enum bake_catalog_pins pins;
	enum bake_catalog_state state;
	bool size_known;
	bool is_default;
	bool required;
	bool recommended; /* a default, or tagged "recommended" or "essential" */
};

/* One manifest, and what belongs to it. */
struct bake_catalog_source {
	const struct bake_manifest *manifest; /* NULL: of an index that no manifest is known of */
	const struct bake_lock *lock;	      /* NULL: there is none */
	const struct bake_index *index; /* of the models directory, when it is this manifest's */
	const char *name;
	const char *manifest_path;
	const char *lock_path;
};

struct bake_catalog {
	struct bake_arena arena; /* owns the entries; the documents are whose they were */
	struct bake_catalog_source *sources;
	size_t source_count;
	struct bake_catalog_entry *entries; /* by group, priority, title, key */
	size_t entry_count;
	/* The same in the order of the documents, and of memory: for going through all their texts.
	 * NULL: in the order above. */
	const struct bake_catalog_entry **as_read;
};

/* Makes a catalog of documents, which it borrows and which must outlive it. sources is copied. */
enum bake_status bake_catalog_build(const struct bake_catalog_source *sources, size_t count,
	struct bake_catalog **out, struct bake_error *err) BAKE_CHECKED;
void bake_catalog_free(struct bake_catalog **catalog);

/* The entry of that key, id or alias. Of several the first; *out_others receives how many more
 * there are, and may be NULL. */
const struct bake_catalog_entry *bake_catalog_find(
	const struct bake_catalog *catalog, const char *name, size_t *out_others);

/* Looks beneath root, a models directory, for an entry's files, by name and size: sets state and
 * local_bytes. Links are not followed. root -1: there is no such directory, nothing is installed. */
void bake_catalog_locate(struct bake_catalog_entry *entry, int root);
void bake_catalog_locate_all(struct bake_catalog *catalog, int root);

/* Stable words: "none", "manifest", "lock"; "unknown", "absent", "partial", "installed". */
const char *bake_catalog_pins_name(enum bake_catalog_pins pins);
const char *bake_catalog_state_name(enum bake_catalog_state state);

/* What people call a group of categories: "chat", "VAE", "LoRA"; and its word for filters. Text of
 * the manifest where its category is none of those known. */
const char *bake_catalog_group_title(const struct bake_catalog_entry *entry);
const char *bake_catalog_group_word(const struct bake_catalog_entry *entry);

/* Whether the entry is of a category, by the group's word, the title, or the manifest's own. Case and
 * punctuation do not count. */
bool bake_catalog_is_category(const struct bake_catalog_entry *entry, const char *category);

/* Whether it is for a use: its role, category or one of its tags; and the words that people have
 * for those ("rag" is embedding, "image" is what makes pictures). */
bool bake_catalog_is_for(const struct bake_catalog_entry *entry, const char *use);

#endif
