/* SPDX-License-Identifier: Apache-2.0 */
/* The architecture of GGUF files: a row per family, and rows of files that mean harm. */
#include "unit/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/buf.h"
#include "base/num.h"
#include "unit/gguf_maker.h"

enum {
	LIST_MAX = 64,
	TEXT_MAX = 16384
};

static void free_arch(struct bake_arch **arch)
{
	bake_arch_free(arch);
}

/* Two's complement of a negative one. */
static uint64_t number_of(const char *text)
{
	size_t sign = text[0] == '-';
	uint64_t number = 0;

	assert_true(bake_number_parse(text + sign, strlen(text + sign), &number));
	return sign ? 0 - number : number;
}

/* Adds "KEY=VALUE": 32, f1.5, yes, no, [4,2], [yes,no], u9223372036854775808, 'text'. KEY is put
 * behind the architecture unless it begins with a slash. */
static void add_pair(struct gguf_maker *maker, const char *type, char *pair)
{
	char key[128];
	char *value = strchr(pair, '=');
	uint64_t list[LIST_MAX];
	size_t count = 0;

	assert_non_null(value);
	*value++ = '\0';
	if (pair[0] == '/')
		(void)snprintf(key, sizeof(key), "%s", pair + 1);
	else
		(void)snprintf(key, sizeof(key), "%s.%s", type, pair);
	if (value[0] == 'f') {
		gguf_f32(maker, key, strtof(value + 1, NULL));
	} else if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0) {
		gguf_bool(maker, key, value[0] == 'y');
	} else if (value[0] == '\'') {
		gguf_text(maker, key, value + 1);
	} else if (value[0] == 'u') {
		gguf_number(maker, key, BAKE_GGUF_U64, number_of(value + 1));
	} else if (value[0] == '[') {
		enum bake_gguf_kind kind = BAKE_GGUF_I32;
		char *rest = NULL;

		for (char *at = strtok_r(value, "[,]", &rest); at;
			at = strtok_r(NULL, "[,]", &rest)) {
			if (at[0] == 'y' || at[0] == 'n')
				kind = BAKE_GGUF_BOOL;
			list[count++] = kind == BAKE_GGUF_BOOL ? at[0] == 'y' : number_of(at);
			assert_true(count < LIST_MAX);
		}
		gguf_numbers(maker, key, kind, list, count);
	} else {
		gguf_u32(maker, key, (uint32_t)number_of(value));
	}
}

/* A tensor "NAME:TYPE:ROWxROWS". */
static void add_tensor(struct gguf_maker *maker, const char *text)
{
	char name[128];
	unsigned type;
	uint64_t dims[2];

	assert_int_equal(
		sscanf(text, "%127[^:]:%u:%" SCNu64 "x%" SCNu64, name, &type, &dims[0], &dims[1]),
		4);
	gguf_tensor(maker, name, type, dims, 2);
}

/* A file of that architecture (NULL: it says none), with pairs and tensors apart by blanks. */
static void make(struct gguf_maker *maker, const char *type, const char *pairs, const char *tensors)
{
	_cleanup_free_ char *text = strdup(pairs ? pairs : "");
	_cleanup_free_ char *more = strdup(tensors ? tensors : "");
	char *rest = NULL;

	if (type)
		gguf_text(maker, "general.architecture", type);
	for (char *at = strtok_r(text, " ", &rest); at; at = strtok_r(NULL, " ", &rest))
		add_pair(maker, type ? type : "", at);
	for (char *at = strtok_r(more, " ", &rest); at; at = strtok_r(NULL, " ", &rest))
		add_tensor(maker, at);
}

/* Reads a file; a failure of either reader is one of the test. */
static struct bake_arch *read_bytes(struct bake_span file)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_gguf *gguf = NULL;
	struct bake_arch *arch = NULL;
	uint64_t need = 0;

	check_status(
		bake_gguf_parse(file, file.len, "m.gguf", BAKE_GGUF_STRICT, &need, &gguf, &err),
		&err, BAKE_OK, NULL);
	assert_non_null(gguf);
	check_status(bake_arch_new(&arch, &err), &err, BAKE_OK, NULL);
	check_status(bake_arch_read_gguf(arch, gguf, "m.gguf", &err), &err, BAKE_OK, NULL);
	bake_gguf_free(&gguf);
	return arch;
}

static struct bake_arch *read_made(const char *type, const char *pairs, const char *tensors)
{
	struct gguf_maker maker = GGUF_MAKER_INIT;
	struct bake_arch *arch;

	make(&maker, type, pairs, tensors);
	arch = read_bytes(gguf_finish(&maker));
	gguf_maker_release(&maker);
	return arch;
}

static void describe_fact(struct bake_buf *buf, const char *name, const struct bake_arch_fact *fact)
{
	if (!fact->known)
		return;
	bake_buf_addf(buf, "%s%s=", buf->len > 0 ? " " : "", name);
	switch (fact->kind) {
	case BAKE_ARCH_U64:
		bake_buf_addf(buf, "%" PRIu64, fact->u64);
		break;
	case BAKE_ARCH_F64:
		bake_buf_addf(buf, "%.9g", fact->f64);
		break;
	case BAKE_ARCH_BOOL:
		bake_buf_text(buf, fact->u64 ? "yes" : "no");
		break;
	case BAKE_ARCH_TEXT:
	case BAKE_ARCH_JSON:
		bake_buf_text(buf, fact->text);
		break;
	case BAKE_ARCH_LIST:
		for (size_t i = 0; i < fact->list_count; i++)
			bake_buf_addf(buf, "%s%" PRIu64, i ? "," : "", fact->list[i]);
		break;
	}
}

/* All that is known but the type, in the order of the fields. */
static void describe(const struct bake_arch *arch, struct bake_buf *buf)
{
	for (size_t i = BAKE_ARCH_MODEL_TYPE + 1; i < BAKE_ARCH_FIELDS; i++)
		describe_fact(buf, bake_arch_field_name((enum bake_arch_field)i), &arch->facts[i]);
	for (size_t i = 0; i < BAKE_VISION_FIELDS; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "v.%s",
			bake_arch_vision_field_name((enum bake_arch_vision_field)i));
		describe_fact(buf, name, &arch->vision[i]);
	}
	bake_buf_add(buf, "", 0);
}

/* The keys of a small dense model, and what they say. */
#define DENSE                                                                                      \
	"block_count=4 context_length=4096 embedding_length=64 attention.head_count=8 "            \
	"feed_forward_length=256 "
#define IS_DENSE_TO(kv)                                                                            \
	"num_layers=4 num_attention_heads=8 " kv "hidden_size=64 " /* then head_dim */
#define IS_DENSE_END "intermediate_size=256 context_length=4096"

static const struct family_row {
	const char *name;
	const char *type;
	const char *pairs;
	const char *want;
	const char *warning; /* the first; NULL: there is none */
} families[] = {
	{"dense", "llama", DENSE, IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"the name is that of the file", "brand-new.2", DENSE, IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"fewer heads of keys and values", "llama", DENSE "attention.head_count_kv=2",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END, NULL},
	{"stored head_dim", "qwen3", DENSE "attention.key_length=128 attention.value_length=128",
		IS_DENSE_TO("") "head_dim=128 " IS_DENSE_END, NULL},
	{"values of another width", "x",
		DENSE "attention.key_length=192 attention.value_length=128",
		IS_DENSE_TO("") "head_dim=192 value_head_dim=128 " IS_DENSE_END, NULL},
	{"heads by layer", "openelm", DENSE "attention.head_count_kv=[4,2,2,1]",
		IS_DENSE_TO("num_kv_heads=4 ") IS_DENSE_END " kv_heads_per_layer=4,2,2,1", NULL},
	{"a list of all the same", "x", DENSE "attention.head_count_kv=[2,2,2,2]",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END, NULL},
	{"all by layer", "deci",
		"block_count=3 attention.head_count=[8,0,4] attention.head_count_kv=[2,0,1] "
		"feed_forward_length=[256,128,0]",
		"num_layers=3 num_attention_heads=8 num_kv_heads=2 intermediate_size=256 "
		"kv_heads_per_layer=2,0,1 intermediate_size_per_layer=256,128,0",
		NULL},
	{"heads by layer, none of keys and values said", "deci",
		"block_count=3 attention.head_count=[8,8,4]",
		"num_layers=3 num_attention_heads=8 num_kv_heads=8 kv_heads_per_layer=8,8,4", NULL},
	{"mixture of experts", "qwen3moe",
		DENSE "expert_count=128 expert_used_count=8 expert_shared_count=1",
		IS_DENSE_TO("") IS_DENSE_END
		" num_experts=128 num_experts_per_token=8 num_shared_experts=1",
		NULL},
	{"no experts", "llama", DENSE "expert_count=0 expert_used_count=0",
		IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"latent attention", "deepseek2",
		DENSE "attention.head_count_kv=1 attention.key_length=576 "
		      "attention.value_length=512 attention.key_length_mla=192 "
		      "attention.value_length_mla=128 attention.kv_lora_rank=512 "
		      "attention.q_lora_rank=1536 rope.dimension_count=64",
		IS_DENSE_TO("num_kv_heads=1 ") "head_dim=192 value_head_dim=128 " IS_DENSE_END
					       " kv_lora_rank=512 q_lora_rank=1536 "
					       "qk_rope_head_dim=64 qk_nope_head_dim=128",
		NULL},
	{"latent attention, before llama.cpp had it", "deepseek2",
		DENSE "attention.key_length=192 attention.value_length=128 "
		      "attention.kv_lora_rank=512 rope.dimension_count=64",
		IS_DENSE_TO("") "head_dim=192 value_head_dim=128 " IS_DENSE_END
				" kv_lora_rank=512 qk_rope_head_dim=64 qk_nope_head_dim=128",
		NULL},
	{"layers that predict, and layers that share", "gemma4",
		DENSE "nextn_predict_layers=1 attention.shared_kv_layers=2",
		IS_DENSE_TO("") IS_DENSE_END " shared_kv_layers=2 nextn_predict_layers=1", NULL},
	{"none that predict or share", "x",
		DENSE "nextn_predict_layers=0 attention.shared_kv_layers=0",
		IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"encoder", "bert", DENSE "attention.causal=no", IS_DENSE_TO("") IS_DENSE_END " causal=no",
		NULL},
	{"pooling", "qwen3", DENSE "pooling_type=3", IS_DENSE_TO("") IS_DENSE_END " causal=no",
		NULL},
	{"no pooling", "qwen3", DENSE "pooling_type=0", IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"the flag beats the pooling", "x", DENSE "attention.causal=yes pooling_type=1",
		IS_DENSE_TO("") IS_DENSE_END " causal=yes", NULL},
	{"encoder and decoder", "t5", DENSE "decoder_block_count=6",
		"num_layers=6 num_encoder_layers=4 num_attention_heads=8 hidden_size=64 "
		"intermediate_size=256 context_length=4096",
		NULL},
	{"encoder and decoder alike", "t5", DENSE,
		"num_layers=4 num_encoder_layers=4 num_attention_heads=8 hidden_size=64 "
		"intermediate_size=256 context_length=4096",
		NULL},
	{"vocabulary by number", "llama", DENSE "vocab_size=32000 /tokenizer.ggml.tokens=[1,2,3]",
		IS_DENSE_TO("") IS_DENSE_END " vocab_size=32000", NULL},
	{"vocabulary by tokens", "llama", DENSE "/tokenizer.ggml.tokens=[1,2,3]",
		IS_DENSE_TO("") IS_DENSE_END " vocab_size=3", NULL},
	{"parameters said", "llama", DENSE "/general.parameter_count=u8030261312",
		IS_DENSE_TO("") IS_DENSE_END " params_billion=8.03026131", NULL},
	{"split: no tensor counts", "llama", "/split.count=2", "", NULL},
	{"an adapter is no model", "llama", DENSE "/general.type='adapter", "",
		"m.gguf: general.type is adapter: not a model"},
};

static const struct family_row windows[] = {
	{"in all layers", "x", DENSE "attention.sliding_window=1024",
		IS_DENSE_TO("") IS_DENSE_END " sliding_window=1024", NULL},
	{"none", "x", DENSE "attention.sliding_window=0", IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"period in the file", "x",
		DENSE "attention.sliding_window=1024 attention.sliding_window_pattern=4",
		IS_DENSE_TO("") IS_DENSE_END
		" sliding_window=1024 sliding_window_per_layer=1024,1024,1024,0",
		NULL},
	{"period of 1: none slides", "x",
		DENSE "attention.sliding_window=1024 attention.sliding_window_pattern=1",
		IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"period of 0: all slide", "gemma2",
		DENSE "attention.sliding_window=1024 attention.sliding_window_pattern=0",
		IS_DENSE_TO("") IS_DENSE_END " sliding_window=1024", NULL},
	{"a list of yes and no", "gemma4",
		DENSE "attention.sliding_window=512 "
		      "attention.sliding_window_pattern=[yes,no,yes,no]",
		IS_DENSE_TO("") IS_DENSE_END
		" sliding_window=512 sliding_window_per_layer=512,0,512,0",
		NULL},
	{"a list of numbers", "gemma4",
		DENSE "attention.sliding_window=512 attention.sliding_window_pattern=[1,1,0,0]",
		IS_DENSE_TO("") IS_DENSE_END
		" sliding_window=512 sliding_window_per_layer=512,512,0,0",
		NULL},
	{"a list of no only", "gemma4",
		DENSE "attention.sliding_window=512 attention.sliding_window_pattern=[no,no,no,no]",
		IS_DENSE_TO("") IS_DENSE_END, NULL},
	{"windows by layer", "x", DENSE "attention.sliding_window=[512,0,1024,0]",
		IS_DENSE_TO("") IS_DENSE_END
		" sliding_window=1024 sliding_window_per_layer=512,0,1024,0",
		NULL},
	{"gemma2", "gemma2", DENSE "attention.sliding_window=4096",
		IS_DENSE_TO("") IS_DENSE_END
		" sliding_window=4096 sliding_window_per_layer=4096,0,4096,0",
		NULL},
	{"gemma3", "gemma3", "block_count=7 attention.sliding_window=1024",
		"num_layers=7 sliding_window=1024 "
		"sliding_window_per_layer=1024,1024,1024,1024,1024,0,1024",
		NULL},
	{"gemma3, the file knows better", "gemma3",
		"block_count=4 attention.sliding_window=1024 attention.sliding_window_pattern=2",
		"num_layers=4 sliding_window=1024 sliding_window_per_layer=1024,0,1024,0", NULL},
	{"cohere2", "cohere2", "block_count=4 attention.sliding_window=4096",
		"num_layers=4 sliding_window=4096 sliding_window_per_layer=4096,4096,4096,0", NULL},
	{"gpt-oss", "gpt-oss", "block_count=4 attention.sliding_window=128",
		"num_layers=4 sliding_window=128 sliding_window_per_layer=128,0,128,0", NULL},
	{"llama4 does not say it", "llama4", "block_count=4",
		"num_layers=4 sliding_window=8192 sliding_window_per_layer=8192,8192,8192,0", NULL},
	{"an architecture without a window needs none", "gemma3", DENSE,
		IS_DENSE_TO("") IS_DENSE_END, NULL},
};

static const struct family_row states[] = {
	{"Mamba: all layers", "mamba",
		"block_count=2 attention.head_count=0 feed_forward_length=0 ssm.conv_kernel=4 "
		"ssm.inner_size=128 ssm.state_size=16 ssm.time_step_rank=8",
		"num_layers=2 conv_kernel=4 ssm_inner_size=128 ssm_state_size=16 "
		"recurrent_per_layer=1,1",
		NULL},
	{"Jamba: some layers", "jamba",
		DENSE "attention.head_count_kv=[0,0,2,0] ssm.conv_kernel=4 ssm.inner_size=128 "
		      "ssm.state_size=16",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END
		" conv_kernel=4 ssm_inner_size=128 ssm_state_size=16 kv_heads_per_layer=0,0,2,0 "
		"recurrent_per_layer=1,1,0,1",
		NULL},
	{"Nemotron-H: some have only a feed-forward network", "nemotron_h",
		"block_count=4 attention.head_count=8 attention.head_count_kv=[0,0,2,0] "
		"feed_forward_length=[0,256,0,0] ssm.state_size=16",
		"num_layers=4 num_attention_heads=8 num_kv_heads=2 intermediate_size=256 "
		"ssm_state_size=16 kv_heads_per_layer=0,0,2,0 recurrent_per_layer=1,0,0,1 "
		"intermediate_size_per_layer=0,256,0,0",
		NULL},
	{"Nemotron without states: no layer is recurrent", "deci",
		DENSE "attention.head_count_kv=[2,0,2,2]",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END " kv_heads_per_layer=2,0,2,2", NULL},
	{"an interval in the file", "qwen3next",
		DENSE "attention.head_count_kv=2 full_attention_interval=2 ssm.state_size=16",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END
		" ssm_state_size=16 kv_heads_per_layer=0,2,0,2 recurrent_per_layer=1,0,1,0",
		NULL},
	{"an interval that is taken for granted", "qwen3next",
		DENSE "attention.head_count_kv=2 ssm.state_size=16 ssm.group_count=16",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END
		" ssm_state_size=16 ssm_group_count=16 kv_heads_per_layer=0,0,0,2 "
		"recurrent_per_layer=1,1,1,0",
		NULL},
	{"an interval without states", "x",
		DENSE "attention.head_count_kv=2 full_attention_interval=2",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END, NULL},
	{"heads that are those of keys and values", "qwen35",
		DENSE "full_attention_interval=2 ssm.state_size=16",
		IS_DENSE_TO("") IS_DENSE_END
		" ssm_state_size=16 kv_heads_per_layer=0,8,0,8 recurrent_per_layer=1,0,1,0",
		NULL},
	{"layers that predict have attention", "qwen35",
		DENSE "attention.head_count_kv=2 full_attention_interval=3 "
		      "nextn_predict_layers=1 ssm.state_size=16",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END
		" nextn_predict_layers=1 ssm_state_size=16 kv_heads_per_layer=0,0,2,2 "
		"recurrent_per_layer=1,1,0,0",
		NULL},
	{"layers listed", "qwen35",
		DENSE "attention.head_count_kv=2 attention.recurrent_layers=[no,yes,no,yes] "
		      "ssm.state_size=16",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END
		" ssm_state_size=16 kv_heads_per_layer=2,0,2,0 recurrent_per_layer=0,1,0,1",
		NULL},
	{"RWKV", "rwkv6",
		"block_count=2 embedding_length=64 attention.head_count=0 wkv.head_size=16 "
		"token_shift_count=2",
		"num_layers=2 hidden_size=64 conv_kernel=3 ssm_inner_size=64 ssm_state_size=16 "
		"recurrent_per_layer=1,1",
		NULL},
	{"LFM2", "lfm2", DENSE "attention.head_count_kv=[0,2,0,2] shortconv.l_cache=3",
		IS_DENSE_TO("num_kv_heads=2 ") IS_DENSE_END
		" conv_kernel=3 ssm_inner_size=64 kv_heads_per_layer=0,2,0,2 "
		"recurrent_per_layer=1,0,1,0",
		NULL},
};

static const struct family_row ropes[] = {
	{"base", "x", "rope.freq_base=f1000000", "rope_theta=1000000", NULL},
	{"base of 0", "x", "rope.freq_base=f0", "", "m.gguf: x.rope.freq_base is not positive"},
	{"base that is no number", "x", "rope.freq_base=fnan", "",
		"m.gguf: x.rope.freq_base is not a finite number"},
	{"yarn", "x",
		"rope.scaling.type='yarn rope.scaling.factor=f4 "
		"rope.scaling.original_context_length=32768 rope.scaling.yarn_log_multiplier=f0.1",
		"rope_scaling={\"type\": \"yarn\", \"factor\": 4, \"yarn_log_multiplier\": 0.1, "
		"\"original_context_length\": 32768}",
		NULL},
	{"none", "x", "rope.scaling.type='none rope.scaling.factor=f4", "", NULL},
	{"a factor of 1", "x", "rope.scaling.type='linear rope.scaling.factor=f1", "", NULL},
	{"a factor alone", "x", "rope.scaling.factor=f8", "rope_scaling={\"factor\": 8}", NULL},
	{"a type alone", "x", "rope.scaling.type='longrope",
		"rope_scaling={\"type\": \"longrope\"}", NULL},
	{"before there were types", "llama", "rope.scale_linear=f4",
		"rope_scaling={\"type\": \"linear\", \"factor\": 4}", NULL},
	{"before there were types, none", "llama", "rope.scale_linear=f1", "", NULL},
	{"the type beats what was before", "llama",
		"rope.scale_linear=f4 rope.scaling.type='yarn rope.scaling.factor=f2",
		"rope_scaling={\"type\": \"yarn\", \"factor\": 2}", NULL},
	{"an original length that is the length", "phi3",
		"context_length=4096 rope.scaling.original_context_length=4096",
		"context_length=4096", NULL},
	{"a longer length than the original", "phi3",
		"context_length=131072 rope.scaling.original_context_length=4096",
		"context_length=131072 rope_scaling={\"original_context_length\": 4096}", NULL},
	{"a type that is hostile", "x", "rope.scaling.type='\x1b[31m\"",
		"rope_scaling={\"type\": \"\\\\x1b[31m\\\"\"}", NULL},
};

static const struct family_row hostile[] = {
	{"no heads", "llama", "attention.head_count=0 embedding_length=64", "hidden_size=64",
		"m.gguf: llama.attention.head_count is 0"},
	{"no heads of keys and values", "llama", "attention.head_count=8 attention.head_count_kv=0",
		"num_attention_heads=8", "m.gguf: llama.attention.head_count_kv is 0"},
	{"no context", "llama", "context_length=0", "", "m.gguf: llama.context_length is 0"},
	{"a context of 2^63", "llama", "context_length=u9223372036854775808", "",
		"m.gguf: llama.context_length is 9223372036854775808, too large"},
	{"a context of 2^31", "llama", "context_length=u2147483648", "",
		"m.gguf: llama.context_length is 2147483648, too large"},
	{"a context that is a text", "llama", "context_length='4096", "",
		"m.gguf: llama.context_length is not a whole number"},
	{"a context that is a fraction", "llama", "context_length=f4096", "",
		"m.gguf: llama.context_length is not a whole number"},
	{"a context that is a list", "llama", "context_length=[1,2]", "",
		"m.gguf: llama.context_length is not a whole number"},
	{"a context that is empty", "llama", "context_length=[]", "",
		"m.gguf: llama.context_length is not a whole number"},
	{"no blocks", "llama", "block_count=0", "", "m.gguf: llama.block_count is 0"},
	{"too many blocks", "llama", "block_count=4097", "",
		"m.gguf: llama.block_count is 4097, too large"},
	{"blocks that are negative", "llama", "block_count=[-1]", "",
		"m.gguf: llama.block_count is not a whole number"},
	{"a list that is short", "llama", DENSE "attention.head_count_kv=[4,2]",
		IS_DENSE_TO("") IS_DENSE_END,
		"m.gguf: llama.attention.head_count_kv has 2 elements for 4 blocks"},
	{"a list that is long", "llama", DENSE "attention.head_count_kv=[4,2,4,2,4]",
		IS_DENSE_TO("") IS_DENSE_END,
		"m.gguf: llama.attention.head_count_kv has 5 elements for 4 blocks"},
	{"a list that is empty", "llama", DENSE "attention.head_count_kv=[]",
		IS_DENSE_TO("") IS_DENSE_END,
		"m.gguf: llama.attention.head_count_kv has 0 elements for 4 blocks"},
	{"a list without blocks", "llama", "attention.head_count_kv=[4,2]", "",
		"m.gguf: llama.attention.head_count_kv has 2 elements for 0 blocks"},
	{"an empty list without blocks", "llama", "attention.head_count_kv=[]", "",
		"m.gguf: llama.attention.head_count_kv has 0 elements for 0 blocks"},
	{"a list with a negative element", "llama", DENSE "attention.head_count_kv=[4,2,-1,2]",
		IS_DENSE_TO("") IS_DENSE_END,
		"m.gguf: llama.attention.head_count_kv has an element that is no whole number, or "
		"too large"},
	{"a pattern that is short: the architecture's own", "gemma2",
		DENSE "attention.sliding_window=512 attention.sliding_window_pattern=[yes,no]",
		IS_DENSE_TO("") IS_DENSE_END
		" sliding_window=512 sliding_window_per_layer=512,0,512,0",
		"m.gguf: gemma2.attention.sliding_window_pattern has 2 elements for 4 blocks"},
	{"an interval of 0", "qwen35", DENSE "full_attention_interval=0 ssm.state_size=16",
		IS_DENSE_TO("") IS_DENSE_END " ssm_state_size=16",
		"m.gguf: qwen35.full_attention_interval is 0"},
	{"more predicting layers than there are", "qwen35",
		DENSE "full_attention_interval=2 ssm.state_size=16 nextn_predict_layers=9",
		IS_DENSE_TO("") IS_DENSE_END " nextn_predict_layers=9 ssm_state_size=16", NULL},
	{"an architecture that is no name", "a\x1b[31mb", "", "",
		"m.gguf: general.architecture is no name"},
	{"an architecture that is empty", "", "", "", "m.gguf: general.architecture is not a text"},
	{"an architecture that is long",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", "",
		"m.gguf: general.architecture is no name"},
	{"no architecture", NULL, "/general.name='x", "",
		"m.gguf: general.architecture is missing"},
	{"a file type nobody knows", "llama", "/general.file_type=999", "",
		"m.gguf: general.file_type is 999, not known"},
};

static void try_family(void **state)
{
	const struct family_row *row = *state;
	_cleanup_(free_arch) struct bake_arch *arch = read_made(row->type, row->pairs, NULL);
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(TEXT_MAX);

	describe(arch, &buf);
	assert_string_equal(buf.ptr ? buf.ptr : "", row->want);
	if (row->warning) {
		assert_true(arch->warning_count > 0);
		assert_string_equal(arch->warnings[0], row->warning);
	} else {
		assert_int_equal(arch->warning_count, 0);
	}
}

static const struct tensor_row {
	const char *name;
	const char *type;
	const char *pairs;
	const char *tensors;
	const char *want;
	const char *label; /* NULL: no quantization is known */
	uint64_t bits;
	int64_t group_size;
	const char *source; /* of the label */
} tensor_rows[] = {
	{"the file type", "llama", "/general.file_type=15", "a:12:256x4",
		"params_billion=1.024e-06 weight_precision=q4_K", "Q4_K_M", 4, 0,
		"gguf:m.gguf:general.file_type"},
	{"a file type that was guessed", "llama", "/general.file_type=1031", "a:8:32x4",
		"params_billion=1.28e-07 weight_precision=q8_0", "Q8_0", 8, 32,
		"gguf:m.gguf:general.file_type"},
	{"most bytes are not what the file type says", "llama", "/general.file_type=2",
		"a:0:32x100 b:2:32x10", "params_billion=3.52e-06 weight_precision=fp32", "Q4_0", 0,
		0, "gguf:m.gguf:general.file_type"},
	{"most bytes", "flux", "", "a:8:32x100 b:1:32x10 c:0:32x2",
		"params_billion=3.584e-06 weight_precision=q8_0", "Q8_0", 8, 32, "tensors"},
	{"most bytes, not most tensors", "flux", "", "a:1:32x100 b:8:32x10 c:8:32x10",
		"params_billion=3.84e-06 weight_precision=fp16", "F16", 16, 0, "tensors"},
	{"most bytes where the file type means nothing", "x", "/general.file_type=999",
		"a:14:256x4", "params_billion=1.024e-06 weight_precision=q6_K", "Q6_K", 6, 0,
		"tensors"},
	{"a part of several does not speak for all", "x", "/split.count=2 /split.no=0",
		"blk.3.a:8:32x4", "", NULL, 0, 0, NULL},
	{"a part that says its file type", "x", "/split.count=2 /general.file_type=7",
		"blk.3.a:8:32x4", "", "Q8_0", 0, 0, "gguf:m.gguf:general.file_type"},
	{"blocks from names", "x", "", "blk.0.a:1:4x4 blk.11.b:1:4x4 blk.7.c:1:4x4",
		"num_layers=12 params_billion=4.8e-08 weight_precision=fp16", "F16", 16, 0,
		"tensors"},
	{"the key beats the names", "x", "block_count=2", "blk.11.b:1:4x4",
		"num_layers=2 params_billion=1.6e-08 weight_precision=fp16", "F16", 16, 0,
		"tensors"},
	{"names that are no blocks", "x", "",
		"blk.:1:4x4 blk.x.a:1:4x4 blk.1:1:4x4 blk.99999999999999999999.a:1:4x4 "
		"blk.4096.a:1:4x4",
		"params_billion=8e-08 weight_precision=fp16", "F16", 16, 0, "tensors"},
	{"Qwen-Image", "qwen_image", "", "transformer_blocks.59.a:1:4x4",
		"num_layers=60 params_billion=1.6e-08 weight_precision=fp16", "F16", 16, 0,
		"tensors"},
	{"Flux has two kinds of blocks", "flux", "",
		"double_blocks.18.a:1:4x4 single_blocks.37.a:1:4x4",
		"num_layers=19 params_billion=3.2e-08 weight_precision=fp16", "F16", 16, 0,
		"tensors"},
	{"tied", "llama", "", "token_embd.weight:1:8x100",
		"vocab_size=100 params_billion=8e-07 weight_precision=fp16 tie_word_embeddings=yes",
		"F16", 16, 0, "tensors"},
	{"not tied", "llama", "", "token_embd.weight:1:8x100 output.weight:1:8x100",
		"vocab_size=100 params_billion=1.6e-06 weight_precision=fp16 "
		"tie_word_embeddings=no",
		"F16", 16, 0, "tensors"},
};

static void try_tensors(void **state)
{
	const struct tensor_row *row = *state;
	_cleanup_(free_arch) struct bake_arch *arch =
		read_made(row->type, row->pairs, row->tensors);
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(TEXT_MAX);

	describe(arch, &buf);
	assert_string_equal(buf.ptr ? buf.ptr : "", row->want);
	if (!row->label) {
		assert_null(arch->quantization.method);
		return;
	}
	assert_string_equal(arch->quantization.method, "gguf");
	assert_string_equal(arch->quantization.label, row->label);
	assert_string_equal(arch->quantization.source, row->source);
	assert_int_equal(arch->quantization.bits, row->bits);
	assert_int_equal(arch->quantization.group_size, row->group_size);
}

static const struct clip_row {
	const char *name;
	const char *pairs;
	const char *tensors;
	const char *want;
	const char *warning;
} clips[] = {
	{"Qwen2.5-VL",
		"/clip.projector_type='qwen2.5vl_merger vision.patch_size=14 vision.image_size=560 "
		"vision.embedding_length=1280 vision.block_count=32 "
		"vision.attention.head_count=16 vision.feed_forward_length=3420 "
		"vision.projection_dim=3584 vision.spatial_merge_size=2 vision.window_size=112",
		NULL,
		"v.image_size=560 v.patch_size=14 v.hidden_size=1280 v.num_layers=32 "
		"v.num_heads=16 v.intermediate_size=3420 v.projection_dim=3584 "
		"v.spatial_merge_size=2 v.window_size=112 v.projector_type=qwen2.5vl_merger",
		NULL},
	{"LLaVA's width is that of its last matrix",
		"/clip.projector_type='mlp vision.projection_dim=768",
		"mm.0.weight:1:1024x4096 mm.2.weight:1:4096x5120",
		"params_billion=0.025165824 weight_precision=fp16 v.projection_dim=5120 "
		"v.projector_type=mlp",
		NULL},
	{"LLaVA of one matrix, before there were types",
		"has_llava_projector=yes vision.projection_dim=768", "mm.0.weight:1:1024x4096",
		"params_billion=0.004194304 weight_precision=fp16 v.projection_dim=4096 "
		"v.projector_type=mlp",
		NULL},
	{"a flag that is not set", "has_llava_projector=no has_minicpmv_projector=yes", NULL,
		"v.projector_type=resampler", NULL},
	{"hears", "/clip.audio.projector_type='ultravox audio.projection_dim=2048", NULL,
		"v.projection_dim=2048 v.projector_type=ultravox", NULL},
	{"any size of image", "vision.image_min_pixels=3136 vision.image_max_pixels=12845056", NULL,
		"v.min_pixels=3136 v.max_pixels=12845056", NULL},
	{"a patch of 0", "vision.patch_size=0", NULL, "", "m.gguf: clip.vision.patch_size is 0"},
	{"a size of 2^63", "vision.image_size=u9223372036854775808", NULL, "",
		"m.gguf: clip.vision.image_size is 9223372036854775808, too large"},
};

static void try_clip(void **state)
{
	const struct clip_row *row = *state;
	_cleanup_(free_arch) struct bake_arch *arch = read_made("clip", row->pairs, row->tensors);
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(TEXT_MAX);

	describe(arch, &buf);
	assert_string_equal(buf.ptr ? buf.ptr : "", row->want);
	if (row->warning)
		assert_string_equal(arch->warnings[0], row->warning);
	else
		assert_int_equal(arch->warning_count, 0);
}

static void check_source(const struct bake_arch *arch, enum bake_arch_field field, const char *want)
{
	const struct bake_arch_fact *fact = bake_arch_get(arch, field);

	assert_non_null(fact);
	assert_string_equal(fact->source, want);
}

static void each_fact_has_its_source(void)
{
	_cleanup_(free_arch) struct bake_arch *arch = read_made("gemma2",
		DENSE
		"attention.head_count_kv=2 attention.sliding_window=512 rope.freq_base=f10000",
		"blk.0.a:1:4x4");

	assert_int_equal(arch->source_count, 1);
	assert_string_equal(arch->sources[0], "gguf:m.gguf");
	check_source(arch, BAKE_ARCH_MODEL_TYPE, "gguf:m.gguf:general.architecture");
	check_source(arch, BAKE_ARCH_NUM_LAYERS, "gguf:m.gguf:gemma2.block_count");
	check_source(arch, BAKE_ARCH_NUM_KV_HEADS, "gguf:m.gguf:gemma2.attention.head_count_kv");
	check_source(arch, BAKE_ARCH_ROPE_THETA, "gguf:m.gguf:gemma2.rope.freq_base");
	check_source(arch, BAKE_ARCH_SLIDING_WINDOW, "gguf:m.gguf:gemma2.attention.sliding_window");
	check_source(arch, BAKE_ARCH_SLIDING_WINDOW_PER_LAYER, "derived:architecture gemma2");
	check_source(arch, BAKE_ARCH_WEIGHT_PRECISION, "tensors");
}

/* What bake_arch_finish makes of it. */
static void heads_of_0_divide_nothing(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	_cleanup_(free_arch) struct bake_arch *none = read_made(
		"llama", "block_count=2 embedding_length=64 attention.head_count=0", NULL);
	_cleanup_(free_arch) struct bake_arch *some = read_made("llama", DENSE, NULL);

	check_status(bake_arch_finish(none, &err), &err, BAKE_OK, NULL);
	assert_null(bake_arch_get(none, BAKE_ARCH_HEAD_DIM));
	assert_null(bake_arch_get(none, BAKE_ARCH_NUM_KV_HEADS));
	check_status(bake_arch_finish(some, &err), &err, BAKE_OK, NULL);
	assert_int_equal(bake_arch_u64(some, BAKE_ARCH_HEAD_DIM, 0), 8);
	assert_int_equal(bake_arch_u64(some, BAKE_ARCH_NUM_KV_HEADS, 0), 8);
	check_source(some, BAKE_ARCH_HEAD_DIM, "derived:hidden_size/num_attention_heads");
}

static void every_value_of_another_kind_is_a_warning(void)
{
	static const char *const wrong[] = {
		"'x", "f1.5", "[yes]", "[1,2,3]", "u9223372036854775808"};
	static const char *const keys[] = {"block_count", "context_length", "embedding_length",
		"attention.head_count", "attention.head_count_kv", "feed_forward_length",
		"attention.key_length", "attention.value_length", "attention.sliding_window",
		"attention.sliding_window_pattern", "attention.causal", "pooling_type",
		"expert_count", "vocab_size", "rope.scaling.original_context_length",
		"full_attention_interval", "ssm.state_size", "token_shift_count",
		"nextn_predict_layers"};

	for (size_t i = 0; i < countof(keys); i++) {
		for (size_t k = 0; k < countof(wrong); k++) {
			char pairs[256];
			_cleanup_(free_arch) struct bake_arch *arch = NULL;

			(void)snprintf(pairs, sizeof(pairs),
				"%s=%s ssm.conv_kernel=4 attention.q_lora_rank=1", keys[i],
				wrong[k]);
			arch = read_made("x", pairs, NULL);
			assert_non_null(bake_arch_get(arch, BAKE_ARCH_CONV_KERNEL));
			assert_non_null(bake_arch_get(arch, BAKE_ARCH_Q_LORA_RANK));
		}
	}
}

static const struct scenario scenarios[] = {
	{"each fact has its source", each_fact_has_its_source},
	{"heads of 0 divide nothing", heads_of_0_divide_nothing},
	{"every value of another kind is a warning", every_value_of_another_kind_is_a_warning},
};

static const struct fixture_row {
	const char *name; /* below BAKE_FIXTURES */
	const char *want;
	const char *label;
} fixtures[] = {
	{"gguf-written/mnist-F16.gguf",
		"num_layers=2 num_attention_heads=4 num_kv_heads=4 hidden_size=128 "
		"intermediate_size=784 "
		"context_length=128 rope_theta=10000 params_billion=0.000101632 "
		"weight_precision=fp16 "
		"kv_heads_per_layer=4,2",
		"F16"},
	{"gguf-written/mnist-Q4_0.gguf",
		"num_layers=2 num_attention_heads=4 num_kv_heads=4 hidden_size=128 "
		"intermediate_size=784 "
		"context_length=128 rope_theta=10000 params_billion=0.000101632 "
		"weight_precision=fp32 "
		"kv_heads_per_layer=4,2",
		"Q4_0"},
	{"gguf/ggml-vocab-bert-bge.gguf",
		"num_layers=12 num_attention_heads=12 hidden_size=384 intermediate_size=1536 "
		"context_length=512 vocab_size=30522 causal=no",
		"F16"},
	{"gguf/ggml-vocab-falcon.gguf",
		"num_layers=32 num_attention_heads=71 num_kv_heads=1 hidden_size=4544 "
		"intermediate_size=18176 context_length=2048 vocab_size=65024",
		"F16"},
	{"gguf/ggml-vocab-llama-spm.gguf",
		"num_layers=32 num_attention_heads=32 num_kv_heads=32 hidden_size=4096 "
		"intermediate_size=11008 context_length=4096 vocab_size=32000",
		"F16"},
	{"gguf/ggml-vocab-phi-3.gguf",
		"num_layers=32 num_attention_heads=32 num_kv_heads=32 hidden_size=3072 "
		"intermediate_size=8192 context_length=4096 rope_theta=10000 vocab_size=32064",
		"F16"},
};

/* Real files, where there are some. */
static void try_fixture(void **state)
{
	const struct fixture_row *row = *state;
	const char *root = getenv("BAKE_FIXTURES");
	_cleanup_(bake_buf_release) struct bake_buf bytes = BAKE_BUF_INIT(16 * 1024 * 1024);
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(TEXT_MAX);
	_cleanup_(free_arch) struct bake_arch *arch = NULL;
	char path[4096];
	char chunk[65536];
	size_t got;
	FILE *file;

	if (!root)
		skip();
	(void)snprintf(path, sizeof(path), "%s/%s", root, row->name);
	file = fopen(path, "rbe");
	if (!file)
		skip();
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bake_buf_add(&bytes, chunk, got);
	(void)fclose(file);
	arch = read_bytes(bake_buf_span(&bytes));
	assert_int_equal(arch->warning_count, 0);
	assert_string_equal(arch->quantization.label, row->label);
	describe(arch, &buf);
	assert_string_equal(buf.ptr, row->want);
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(families, try_family),
		ROWS(windows, try_family),
		ROWS(states, try_family),
		ROWS(ropes, try_family),
		ROWS(hostile, try_family),
		ROWS(tensor_rows, try_tensors),
		ROWS(clips, try_clip),
		ROWS(scenarios, play_scenario),
		ROWS(fixtures, try_fixture),
	};

	return run_rows("arch_gguf", tables, countof(tables));
}
