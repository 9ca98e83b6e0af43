/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes as people write them: what is plain digits is that number, and all can be shown. */
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size);
	char shown[BAKE_UNITS_TEXT];
	uint64_t bytes = 0;
	uint64_t number = 0;
	bool is_size = bake_bytes_parse(text, &bytes);
	bool is_number = bake_number_parse(text, strlen(text), &number);

	if (is_number)
		CLAIM(is_size && bytes == number);
	if (is_size)
		CLAIM(text[0] >= '0' && text[0] <= '9');
	keep_text(bake_bytes_format(bytes, shown));
	CLAIM(memchr(shown, 0, sizeof(shown)));
	keep_text(bake_duration_format(bytes, shown));
	CLAIM(memchr(shown, 0, sizeof(shown)));
	keep(bake_utf8_valid(text, strlen(text)));
	CLAIM(strlen(BAKE_SHOW_SPAN(text, size)) <= BAKE_SHOWN_MAX + 3);
	return 0;
}
