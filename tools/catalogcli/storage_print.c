/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogcli/storage_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/report.h"

uint64_t catalogcli_left(const struct catalogcli_storage *all)
{
	uint64_t used = all->storage->model_bytes;
	uint64_t quota = all->limits->quota;

	if (quota == 0)
		return all->storage->free;
	return bake_u64_min(all->storage->free, quota > used ? quota - used : 0);
}

static bool is_asked_for(const struct catalogcli_storage *all, const struct bake_prune_item *item)
{
	return item->kind == BAKE_PRUNE_TWIN ? all->twins : all->leftovers;
}

size_t catalogcli_prune_count(const struct catalogcli_storage *all)
{
	size_t count = 0;

	for (size_t i = 0; i < all->prune->count; i++)
		count += is_asked_for(all, &all->prune->items[i]);
	return count;
}

static uint64_t bytes_in(const struct catalogcli_storage *all, enum bake_prune_state state)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < all->prune->count; i++) {
		const struct bake_prune_item *item = &all->prune->items[i];

		if (is_asked_for(all, item) && item->state == state)
			bytes = bake_u64_add_capped(bytes, item->bytes);
	}
	return bytes;
}

uint64_t catalogcli_prune_bytes(const struct catalogcli_storage *all)
{
	return bytes_in(all, BAKE_PRUNE_PLANNED);
}

static void print_sums(
	const char *title, const struct bake_storage_sum *sums, size_t count, bool models)
{
	if (count > 0)
		(void)printf("\n%s\n", title);
	for (size_t i = 0; i < count; i++) {
		(void)printf("  %10s  %s", BAKE_BYTES(sums[i].bytes), BAKE_SHOW(sums[i].name));
		if (models)
			(void)printf(" (%zu %s)", sums[i].models,
				sums[i].models == 1 ? "model" : "models");
		(void)printf("\n");
	}
}

static int compare_sizes(const void *a, const void *b)
{
	const struct bake_storage_file *left = *(const struct bake_storage_file *const *)a;
	const struct bake_storage_file *right = *(const struct bake_storage_file *const *)b;

	if (left->st.st_size != right->st.st_size)
		return left->st.st_size > right->st.st_size ? -1 : 1;
	return strcmp(left->path, right->path);
}

/* The largest files, each once; to be freed. *out_count 0 when memory is short, too. */
static const struct bake_storage_file **largest(
	const struct catalogcli_storage *all, size_t *out_count)
{
	const struct bake_storage *storage = all->storage;
	const struct bake_storage_file **list = calloc(storage->file_count + 1, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; list && i < storage->file_count; i++) {
		if (!storage->files[i].is_link)
			list[count++] = &storage->files[i];
	}
	if (count > 1)
		qsort(list, count, sizeof(*list), compare_sizes);
	*out_count = count < all->limits->rows ? count : (size_t)all->limits->rows;
	return list;
}

static void print_largest(const struct catalogcli_storage *all)
{
	size_t count;
	_cleanup_free_ const struct bake_storage_file **list = largest(all, &count);

	if (count > 0)
		(void)printf("\nLargest files\n");
	for (size_t i = 0; i < count; i++)
		(void)printf("  %10s  %s\n", BAKE_BYTES((uint64_t)list[i]->st.st_size),
			BAKE_SHOW(list[i]->path));
}

static void print_twins(const struct bake_storage *storage)
{
	if (storage->twin_count > 0)
		(void)printf("\nDuplicates\n");
	for (size_t i = 0; i < storage->file_count; i++) {
		const struct bake_storage_file *file = &storage->files[i];

		if (file->twin_of)
			(void)printf("  %10s  %s is %s%s\n", BAKE_BYTES((uint64_t)file->st.st_size),
				BAKE_SHOW(file->path), BAKE_SHOW(file->twin_of->path),
				file->shared ? " (and shares its blocks)" : "");
	}
	if (storage->unhashed > 0)
		(void)printf("\n%zu files are as large as another one and have no pin; --hash "
			     "compares them.\n",
			storage->unhashed);
}

static void print_leftovers(const struct bake_prune *prune)
{
	if (prune->live)
		(void)printf("\nA process (pid %ld) is working in this directory.\n", prune->owner);
	for (size_t i = 0; i < prune->count && prune->items[i].kind != BAKE_PRUNE_TWIN; i++)
		(void)printf("%s  %10s  %s\n", i ? "" : "\nLeft by broken runs\n",
			BAKE_BYTES(prune->items[i].bytes), BAKE_SHOW(prune->items[i].path));
}

void catalogcli_print_storage(const struct catalogcli_storage *all)
{
	const struct bake_storage *storage = all->storage;

	(void)printf("Directory    %s\n", BAKE_SHOW(all->dir));
	(void)printf("Total        %s\n", BAKE_BYTES(storage->total));
	(void)printf("Free         %s\n", BAKE_BYTES(storage->free));
	(void)printf("Models       %s\n", BAKE_BYTES(storage->model_bytes));
	(void)printf("Other files  %s\n", BAKE_BYTES(storage->other_bytes));
	if (all->limits->quota)
		(void)printf("Quota        %s\n", BAKE_BYTES(all->limits->quota));
	(void)printf("Available    %s\n", BAKE_BYTES(catalogcli_left(all)));
	if (storage->linked_bytes)
		(void)printf("Links save   %s\n", BAKE_BYTES(storage->linked_bytes));
	if (storage->twin_bytes)
		(void)printf("Duplicates   %s\n", BAKE_BYTES(storage->twin_bytes));
	print_sums("By category", storage->categories, storage->category_count, true);
	print_sums("By model", storage->models, storage->model_count, false);
	print_largest(all);
	print_twins(storage);
	print_leftovers(all->prune);
}

void catalogcli_print_plan(const struct catalogcli_storage *all)
{
	if (catalogcli_prune_count(all) == 0) {
		(void)printf("There is nothing to get back.\n");
		return;
	}
	for (size_t i = 0; i < all->prune->count; i++) {
		const struct bake_prune_item *item = &all->prune->items[i];

		if (!is_asked_for(all, item))
			continue;
		(void)printf("  %10s  ", BAKE_BYTES(item->bytes));
		if (item->kind == BAKE_PRUNE_TWIN)
			(void)printf("%s: share it with %s\n", BAKE_SHOW(item->path),
				BAKE_SHOW(item->keep->path));
		else if (item->kind == BAKE_PRUNE_WORKDIR)
			(void)printf("%s: remove it; a fetch begins anew\n", BAKE_SHOW(item->path));
		else
			(void)printf("%s: remove it\n", BAKE_SHOW(item->path));
	}
	(void)printf("  %10s  in all\n", BAKE_BYTES(catalogcli_prune_bytes(all)));
}

void catalogcli_print_done(const struct catalogcli_storage *all)
{
	(void)printf("Got %s back.\n", BAKE_BYTES(bytes_in(all, BAKE_PRUNE_DONE)));
}

static void put_sums(struct bake_json_writer *writer, const char *key,
	const struct bake_storage_sum *sums, size_t count)
{
	bake_json_key(writer, key);
	bake_json_array(writer);
	for (size_t i = 0; i < count; i++) {
		bake_json_object_line(writer);
		bake_json_put_text(writer, "name", sums[i].name);
		bake_json_put_u64(writer, "bytes", sums[i].bytes);
		bake_json_put_u64(writer, "files", sums[i].files);
		bake_json_put_u64(writer, "models", sums[i].models);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_largest(struct bake_json_writer *writer, const struct catalogcli_storage *all)
{
	size_t count;
	_cleanup_free_ const struct bake_storage_file **list = largest(all, &count);

	bake_json_key(writer, "largest");
	bake_json_array(writer);
	for (size_t i = 0; i < count; i++) {
		bake_json_object_line(writer);
		bake_json_put_text(writer, "path", list[i]->path);
		bake_json_put_u64(writer, "bytes", (uint64_t)list[i]->st.st_size);
		bake_json_put_text(writer, "model", list[i]->entry ? list[i]->entry->key : NULL);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_twins(struct bake_json_writer *writer, const struct bake_storage *storage)
{
	bake_json_key(writer, "duplicates");
	bake_json_array(writer);
	for (size_t i = 0; i < storage->file_count; i++) {
		const struct bake_storage_file *file = &storage->files[i];

		if (!file->twin_of)
			continue;
		bake_json_object_line(writer);
		bake_json_put_text(writer, "path", file->path);
		bake_json_put_text(writer, "of", file->twin_of->path);
		bake_json_put_u64(writer, "bytes", (uint64_t)file->st.st_size);
		bake_json_put_text(writer, "sha256", BAKE_HEX(&file->sha256));
		bake_json_put_bool(writer, "shared", file->shared);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_plan(struct bake_json_writer *writer, const struct catalogcli_storage *all)
{
	const char *key = all->pruning ? "prune" : "leftovers";

	bake_json_key(writer, key);
	bake_json_array(writer);
	for (size_t i = 0; i < all->prune->count; i++) {
		const struct bake_prune_item *item = &all->prune->items[i];

		if (all->pruning ? !is_asked_for(all, item) : item->kind == BAKE_PRUNE_TWIN)
			continue;
		bake_json_object_line(writer);
		bake_json_put_text(writer, "kind", bake_prune_kind_name(item->kind));
		bake_json_put_text(writer, "path", item->path);
		bake_json_put_u64(writer, "bytes", item->bytes);
		if (all->pruning)
			bake_json_put_text(writer, "state", bake_prune_state_name(item->state));
		if (item->kind == BAKE_PRUNE_TWIN) {
			bake_json_put_text(writer, "keep", item->keep->path);
			if (item->state == BAKE_PRUNE_DONE)
				bake_json_put_text(
					writer, "method", bake_share_methods[item->done]);
		}
		if (item->state == BAKE_PRUNE_SKIPPED) {
			bake_json_put_text(writer, "error", item->error.id);
			bake_json_put_text(writer, "message", item->error.message);
		}
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

enum bake_status catalogcli_put_storage(
	const struct catalogcli_storage *all, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const struct bake_storage *storage = all->storage;

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "directory", all->dir);
	bake_json_put_u64(&writer, "total", storage->total);
	bake_json_put_u64(&writer, "free", storage->free);
	bake_json_put_u64(&writer, "model_bytes", storage->model_bytes);
	bake_json_put_u64(&writer, "other_bytes", storage->other_bytes);
	if (all->limits->quota)
		bake_json_put_u64(&writer, "quota", all->limits->quota);
	bake_json_put_u64(&writer, "available", catalogcli_left(all));
	bake_json_put_bool(&writer, "low", catalogcli_left(all) < all->limits->low);
	bake_json_put_u64(&writer, "linked_bytes", storage->linked_bytes);
	bake_json_put_u64(&writer, "duplicate_bytes", storage->twin_bytes);
	bake_json_put_u64(&writer, "unhashed", storage->unhashed);
	bake_json_put_bool(&writer, "live", all->prune->live);
	put_sums(&writer, "categories", storage->categories, storage->category_count);
	put_sums(&writer, "models", storage->models, storage->model_count);
	put_largest(&writer, all);
	put_twins(&writer, storage);
	put_plan(&writer, all);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	BAKE_TRY(bake_buf_status(&text, "the report", err));
	cli_print_json(&text);
	return BAKE_OK;
}
