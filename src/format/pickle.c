/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pickle.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "format/archive.h"
#include "format/pickle_code.h"

enum {
	PROTO = 0x80,
	HDF5_OFFSET_MAX = 16384
};

static bool ends(const char *name, size_t len, const char *suffix)
{
	size_t has = strlen(suffix);

	return len >= has && strncasecmp(name + len - has, suffix, has) == 0;
}

/* Length of the name without what only says how it is packed: "x.pkl.gz" is "x.pkl". */
static size_t unpacked(const char *name, size_t len)
{
	static const char *const packed[] = {
		".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4", ".z", ".zip"};

	for (size_t i = 0; i < countof(packed); i++) {
		if (ends(name, len, packed[i]))
			return len - strlen(packed[i]);
	}
	return len;
}

static bool names_pickle(const char *name, size_t len)
{
	static const char *const suffixes[] = {
		".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill"};
	size_t plain = unpacked(name, len);

	for (size_t i = 0; i < countof(suffixes); i++) {
		if (ends(name, plain, suffixes[i]))
			return true;
	}
	return false;
}

const char *bake_pickle_by_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (names_pickle(name, len))
		return "a pickle by its name";
	if (strncasecmp(name, "pytorch_model", strlen("pytorch_model")) == 0 &&
		ends(name, unpacked(name, len), ".bin"))
		return "a pickle by its name (pytorch_model*.bin)";
	return NULL;
}

/* In an archive: a pickle, code, or a file of Keras. */
static bool names_code(const char *name, size_t len)
{
	return names_pickle(name, len) || ends(name, len, ".py") || ends(name, len, ".pyc") ||
	       ends(name, len, ".h5") || ends(name, len, "MAR-INF/MANIFEST.json");
}

/* What torch before 0.1.10 wrote: a tar with a member "pickle". */
static bool names_code_or_torch(const char *name, size_t len)
{
	return names_code(name, len) || (len == 6 && strncasecmp(name, "pickle", 6) == 0);
}

static const char *look_archive(const struct bake_pickle_view *view)
{
	struct bake_archive_view archive = {
		.head = view->head, .tail = view->tail, .size = view->size};
	enum bake_archive_kind kind = bake_archive_kind(view->head);
	enum bake_archive_sight sight = bake_archive_zip_find(&archive, names_code);

	if (sight == BAKE_ARCHIVE_PRESENT)
		return kind == BAKE_ARCHIVE_ZIP ? "a zip archive with a pickle or code in it"
						: "a file with a zip archive with a pickle at its "
						  "end";
	/* While the file comes in there is no tail yet. */
	if (sight == BAKE_ARCHIVE_UNSEEN && kind == BAKE_ARCHIVE_ZIP && view->tail.len)
		return "a zip archive of which not every name can be seen";
	if (kind == BAKE_ARCHIVE_7Z)
		return "a 7z archive, in which pickles are hidden";
	if (kind == BAKE_ARCHIVE_TAR &&
		bake_archive_tar_find(&archive, names_code_or_torch) == BAKE_ARCHIVE_PRESENT)
		return "a tar archive with a pickle or code in it";
	if (view->name && kind != BAKE_ARCHIVE_NONE && bake_pickle_by_name(view->name))
		return "a packed pickle";
	return NULL;
}

/* An array of objects is a pickle behind a header (NumPy's format.py, 1.0 to 3.0). */
static bool is_object_array(struct bake_span head)
{
	size_t width;
	size_t begin;
	uint64_t len = 0;
	const uint8_t *at;

	if (head.len < 12 || memcmp(head.ptr, "\x93NUMPY", 6) != 0)
		return false;
	width = head.ptr[6] == 1 ? 2 : 4;
	begin = 8 + width;
	for (size_t i = width; i-- > 0;)
		len = len << 8 | head.ptr[8 + i];
	if (len > head.len - begin)
		len = head.len - begin;
	/* descr is a type or a list of named ones; an object's is "|O" or "O". */
	for (at = head.ptr + begin; (size_t)(at - head.ptr) + 3 <= begin + len; at++) {
		if ((at[0] == '|' || at[0] == '\'' || at[0] == '"') && at[1] == 'O' &&
			(at[2] == '\'' || at[2] == '"' || (at[2] >= '0' && at[2] <= '9')))
			return true;
	}
	return false;
}

/* The signature may stand behind a block for the user, at 512 and doublings of it (HDF5 II.A). */
static bool is_hdf5(struct bake_span head)
{
	for (size_t at = 0; at + 8 <= head.len && at <= HDF5_OFFSET_MAX; at = at ? at * 2 : 512) {
		if (memcmp(head.ptr + at, "\x89HDF\r\n\x1a\n", 8) == 0)
			return true;
	}
	return false;
}

/*
 * Bytes that begin with a version are a pickle when they go on like one. Bytes that do not (protocols
 * 0 and 1, whose first byte may be a letter) must also import something, which no pickle can do
 * harm without, or go on past what is seen and end as a pickle ends.
 */
static bool is_pickle(const struct bake_pickle_view *view)
{
	struct bake_pickle_walk walk = bake_pickle_walk(view->head, view->size);

	if (!walk.valid || walk.count < 2)
		return false;
	if (view->head.ptr[0] == PROTO)
		return true;
	if (walk.stopped)
		return walk.imports;
	return view->tail.len && view->tail.ptr[view->tail.len - 1] == '.';
}

/* zlib's first byte says "deflate, 32 KiB"; the two together are a multiple of 31 (RFC 1950). */
static bool is_zlib(struct bake_span head)
{
	return head.len >= 2 && head.ptr[0] == 0x78 && (head.ptr[0] * 256 + head.ptr[1]) % 31 == 0;
}

const char *bake_pickle_by_content(const struct bake_pickle_view *view)
{
	const char *archive;

	if (!view->head.len)
		return NULL;
	if (is_pickle(view))
		return "a pickle";
	archive = look_archive(view);
	if (archive)
		return archive;
	if (is_object_array(view->head))
		return "a NumPy array of objects, which is a pickle";
	if (is_hdf5(view->head))
		return "an HDF5 file, in which Keras keeps code";
	if (is_zlib(view->head) && view->name && bake_pickle_by_name(view->name))
		return "a packed pickle";
	return NULL;
}
