/* SPDX-License-Identifier: Apache-2.0 */
/* config.json of many families: the same facts under the same names, each with its source. The
 * values are those of published models, cut down to what matters here. */
#include "unit/archcheck.h"

struct row {
	const char *name;
	const char *config;
	const char *want;
};

static const struct row families[] = {
	{"llama 3.1 8B",
		"{'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', 'hidden_size': "
		"4096, "
		"'intermediate_size': 14336, 'max_position_embeddings': 131072, "
		"'num_attention_heads': 32, 'num_hidden_layers': 32, 'num_key_value_heads': 8, "
		"'rope_scaling': {'factor': 8.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0, "
		"'original_max_position_embeddings': 8192, 'rope_type': 'llama3'}, 'rope_theta': "
		"500000.0, 'tie_word_embeddings': false, 'torch_dtype': 'bfloat16', 'vocab_size': "
		"128256}",
		"model_type=llama;architecture=LlamaForCausalLM;num_layers=32;"
		"num_attention_heads=32;num_kv_heads=8;hidden_size=4096;head_dim=128;"
		"intermediate_size=14336;context_length=131072;max_position_embeddings=131072;"
		"rope_theta=500000;rope_scaling={\"type\": \"llama3\", \"factor\": 8, "
		"\"original_context_length\": 8192, \"low_freq_factor\": 1, \"high_freq_factor\": "
		"4};vocab_size=128256;weight_precision=bf16;kv_precision=bf16;causal=true;"
		"tie_word_embeddings=false;sliding_window=;quantization=;vision=;warnings=0;"
		"field_sources.num_layers=config:config.json:num_hidden_layers;"
		"field_sources.head_dim=derived:hidden_size/num_attention_heads;"
		"field_sources.context_length=derived:max_position_embeddings;"
		"field_sources.kv_precision=derived:weight_precision;"
		"sources=[\"config:config.json\"]"},
	{"qwen 3 0.6B: head_dim is no quotient",
		"{'architectures': ['Qwen3ForCausalLM'], 'model_type': 'qwen3', 'head_dim': 128, "
		"'hidden_size': 1024, 'intermediate_size': 3072, 'max_position_embeddings': 40960, "
		"'max_window_layers': 28, 'num_attention_heads': 16, 'num_hidden_layers': 28, "
		"'num_key_value_heads': 8, 'rope_scaling': null, 'rope_theta': 1000000, "
		"'sliding_window': null, 'use_sliding_window': false, 'tie_word_embeddings': true, "
		"'torch_dtype': 'bfloat16', 'vocab_size': 151936}",
		"head_dim=128;rope_scaling=;sliding_window=;sliding_window_per_layer=;"
		"tie_word_embeddings=true;field_sources.head_dim=config:config.json:head_dim;"
		"warnings=0"},
	{"qwen 2 with windows in the last layers",
		"{'architectures': ['Qwen2ForCausalLM'], 'model_type': 'qwen2', 'hidden_size': 64, "
		"'num_attention_heads': 4, 'num_hidden_layers': 4, 'max_window_layers': 3, "
		"'use_sliding_window': true, 'sliding_window': 1024, 'max_position_embeddings': "
		"2048, 'torch_dtype': 'float16'}",
		"sliding_window=1024;sliding_window_per_layer=[0, 0, 0, 1024];num_kv_heads=4;"
		"kv_precision=fp16;field_sources.sliding_window_per_layer=config:config.json:"
		"max_window_layers;warnings=0"},
	{"qwen 1 VL: half the width, two limits, visual at the root",
		"{'architectures': ['QWenLMHeadModel'], 'model_type': 'qwen', 'hidden_size': 4096, "
		"'intermediate_size': 22016, 'kv_channels': 128, 'max_position_embeddings': 8192, "
		"'num_attention_heads': 32, 'num_hidden_layers': 32, 'rotary_emb_base': 10000, "
		"'seq_length': 2048, 'torch_dtype': 'float16', 'vocab_size': 151936, 'visual': "
		"{'heads': 16, 'image_size': 448, 'layers': 48, 'mlp_ratio': 4.9231, 'output_dim': "
		"4096, 'patch_size': 14, 'width': 1664}}",
		"intermediate_size=11008;head_dim=128;context_length=8192;seq_length=2048;"
		"max_position_embeddings=8192;rope_theta=10000;causal=true;num_kv_heads=32;"
		"vision={\"image_size\": 448, \"patch_size\": 14, \"hidden_size\": 1664, "
		"\"num_layers\": 48, \"num_heads\": 16, \"projection_dim\": 4096};"
		"field_sources.vision.hidden_size=config:config.json:visual.width;"
		"field_sources.intermediate_size=derived:intermediate_size/2;warnings=0"},
	{"qwen 2.5 VL: text_config beats the root",
		"{'architectures': ['Qwen2_5_VLForConditionalGeneration'], 'model_type': "
		"'qwen2_5_vl', 'hidden_size': 1, 'num_hidden_layers': 1, 'sliding_window': 32768, "
		"'use_sliding_window': false, 'torch_dtype': 'bfloat16', 'rope_scaling': "
		"{'mrope_section': [16, 24, 24], 'rope_type': 'default', 'type': 'default'}, "
		"'text_config': {'hidden_size': 3584, 'num_hidden_layers': 3, "
		"'num_attention_heads': "
		"28, 'num_key_value_heads': 4, 'sliding_window': null, 'layer_types': "
		"['full_attention', 'full_attention', 'full_attention'], "
		"'max_position_embeddings': "
		"128000, 'torch_dtype': 'float32', 'model_type': 'qwen2_5_vl_text'}, "
		"'vision_config': {'depth': 32, 'hidden_size': 1280, 'num_heads': 16, "
		"'out_hidden_size': 3584, 'patch_size': 14, 'spatial_merge_size': 2, "
		"'window_size': 112, 'intermediate_size': 3420}}",
		"model_type=qwen2_5_vl;num_layers=3;hidden_size=3584;num_kv_heads=4;head_dim=128;"
		"rope_scaling=;sliding_window=;weight_precision=bf16;vision={\"patch_size\": 14, "
		"\"hidden_size\": 1280, \"num_layers\": 32, \"num_heads\": 16, "
		"\"intermediate_size\": 3420, \"projection_dim\": 3584, \"spatial_merge_size\": 2, "
		"\"window_size\": 112};field_sources.num_layers=config:config.json:text_config."
		"num_hidden_layers;warnings=0"},
	{"qwen 2 VL: embed_dim is the tower's width",
		"{'architectures': ['Qwen2VLForConditionalGeneration'], 'model_type': 'qwen2_vl', "
		"'hidden_size': 1536, 'num_hidden_layers': 28, 'num_attention_heads': 12, "
		"'num_key_value_heads': 2, 'max_position_embeddings': 32768, 'torch_dtype': "
		"'bfloat16', 'rope_scaling': {'type': 'mrope', 'mrope_section': [16, 24, 24]}, "
		"'vision_config': {'depth': 32, 'embed_dim': 1280, 'hidden_size': 1536, "
		"'num_heads': 16, 'patch_size': 14, 'spatial_merge_size': 2}}",
		"hidden_size=1536;rope_scaling=;vision.hidden_size=1280;vision.projection_dim=1536;"
		"warnings=0"},
	{"qwen 3 next: three of four layers are recurrent",
		"{'architectures': ['Qwen3NextForCausalLM'], 'model_type': 'qwen3_next', "
		"'head_dim': "
		"256, 'hidden_size': 2048, 'num_hidden_layers': 8, 'num_attention_heads': 16, "
		"'num_key_value_heads': 2, 'full_attention_interval': 4, 'linear_conv_kernel_dim': "
		"4, 'linear_key_head_dim': 128, 'linear_num_key_heads': 16, "
		"'linear_num_value_heads': "
		"32, 'linear_value_head_dim': 128, 'num_experts': 512, 'num_experts_per_tok': 10, "
		"'max_position_embeddings': 262144, 'torch_dtype': 'bfloat16'}",
		"recurrent_per_layer=[1, 1, 1, 0, 1, 1, 1, 0];"
		"kv_heads_per_layer=[0, 0, 0, 2, 0, 0, 0, 2];conv_kernel=4;ssm_inner_size=4096;"
		"ssm_state_size=128;ssm_group_count=16;num_experts=512;num_experts_per_token=10;"
		"sliding_window=;warnings=0"},
	{"gpt-oss: layer_types, and head_dim that is not 45",
		"{'architectures': ['GptOssForCausalLM'], 'model_type': 'gpt_oss', 'head_dim': 64, "
		"'hidden_size': 2880, 'intermediate_size': 2880, 'num_hidden_layers': 4, "
		"'num_attention_heads': 64, 'num_key_value_heads': 8, 'sliding_window': 128, "
		"'layer_types': ['sliding_attention', 'full_attention', 'sliding_attention', "
		"'full_attention'], 'num_local_experts': 32, 'experts_per_token': 4, "
		"'num_experts_per_tok': 4, 'max_position_embeddings': 131072, 'rope_theta': "
		"150000, "
		"'rope_scaling': {'beta_fast': 32.0, 'beta_slow': 1.0, 'factor': 32.0, "
		"'original_max_position_embeddings': 4096, 'rope_type': 'yarn', 'truncate': "
		"false}, "
		"'quantization_config': {'modules_to_not_convert': ['lm_head'], 'quant_method': "
		"'mxfp4'}, 'torch_dtype': 'bfloat16'}",
		"head_dim=64;sliding_window=128;sliding_window_per_layer=[128, 0, 128, 0];"
		"quantization.method=mxfp4;quantization.label=mxfp4;quantization.bits=4;"
		"rope_scaling={\"type\": \"yarn\", \"factor\": 32, \"original_context_length\": "
		"4096, \"beta_fast\": 32, \"beta_slow\": 1, \"truncate\": false};kv_precision=bf16;"
		"num_experts=32;warnings=0"},
	{"gpt-oss without layer_types",
		"{'architectures': ['GptOssForCausalLM'], 'model_type': 'gpt_oss', 'head_dim': 64, "
		"'hidden_size': 2880, 'num_hidden_layers': 3, 'num_attention_heads': 64, "
		"'sliding_window': 128, 'max_position_embeddings': 4096, 'dtype': 'bfloat16'}",
		"sliding_window_per_layer=[128, 0, 128];field_sources.sliding_window_per_layer="
		"derived:model_type;weight_precision=bf16;warnings=0"},
	{"gemma 2",
		"{'architectures': ['Gemma2ForCausalLM'], 'model_type': 'gemma2', 'head_dim': 256, "
		"'hidden_size': 2304, 'num_hidden_layers': 4, 'num_attention_heads': 8, "
		"'num_key_value_heads': 4, 'sliding_window': 4096, 'max_position_embeddings': "
		"8192, "
		"'torch_dtype': 'float32'}",
		"sliding_window_per_layer=[4096, 0, 4096, 0];kv_precision=fp32;warnings=0"},
	{"gemma 3: a pattern, and a projector",
		"{'architectures': ['Gemma3ForConditionalGeneration'], 'model_type': 'gemma3', "
		"'text_config': {'head_dim': 256, 'hidden_size': 2560, 'num_hidden_layers': 7, "
		"'num_attention_heads': 8, 'num_key_value_heads': 4, 'sliding_window': 1024, "
		"'sliding_window_pattern': 6, 'max_position_embeddings': 131072, 'rope_scaling': "
		"{'factor': 8.0, 'rope_type': 'linear'}}, 'torch_dtype': 'bfloat16', "
		"'vision_config': {'hidden_size': 1152, 'image_size': 896, 'num_hidden_layers': "
		"27, "
		"'num_attention_heads': 16, 'patch_size': 14}}",
		"sliding_window_per_layer=[1024, 1024, 1024, 1024, 1024, 0, 1024];"
		"vision.image_size=896;rope_scaling={\"type\": \"linear\", \"factor\": "
		"8};warnings=0"},
	{"gemma 3n: layers that use the cache of others, widths by layer",
		"{'architectures': ['Gemma3nForConditionalGeneration'], 'model_type': 'gemma3n', "
		"'text_config': {'head_dim': 256, 'hidden_size': 2048, 'num_hidden_layers': 5, "
		"'num_attention_heads': 8, 'num_key_value_heads': 2, 'num_kv_shared_layers': 2, "
		"'intermediate_size': [8192, 8192, 16384, 8192, 8192], 'sliding_window': 512, "
		"'layer_types': ['sliding_attention', 'sliding_attention', 'sliding_attention', "
		"'sliding_attention', 'full_attention'], 'max_position_embeddings': 32768}, "
		"'torch_dtype': 'bfloat16'}",
		"shared_kv_layers=2;intermediate_size=16384;intermediate_size_per_layer=[8192, "
		"8192, 16384, 8192, 8192];sliding_window_per_layer=[512, 512, 512, 512, 0];"
		"warnings=0"},
	{"gemma 3 as transformers 5 writes it",
		"{'architectures': ['Gemma3ForCausalLM'], 'model_type': 'gemma3_text', 'dtype': "
		"'bfloat16', 'head_dim': 256, 'hidden_size': 640, 'num_hidden_layers': 2, "
		"'num_attention_heads': 4, 'num_key_value_heads': 1, 'max_position_embeddings': "
		"32768, 'layer_types': ['sliding_attention', 'full_attention'], 'sliding_window': "
		"512, 'rope_parameters': {'full_attention': {'rope_theta': 1000000.0, 'rope_type': "
		"'linear', 'factor': 8.0}, 'sliding_attention': {'rope_theta': 10000.0, "
		"'rope_type': 'default'}}}",
		"rope_theta=1000000;rope_scaling={\"type\": \"linear\", \"factor\": 8};warnings=0"},
	{"mistral 7B 0.1: a window in every layer",
		"{'architectures': ['MistralForCausalLM'], 'model_type': 'mistral', 'hidden_size': "
		"4096, 'num_hidden_layers': 3, 'num_attention_heads': 32, 'num_key_value_heads': "
		"8, "
		"'sliding_window': 4096, 'max_position_embeddings': 32768, 'torch_dtype': "
		"'bfloat16'}",
		"sliding_window=4096;sliding_window_per_layer=;warnings=0"},
	{"mistral nemo: head_dim 128 of 5120/32",
		"{'architectures': ['MistralForCausalLM'], 'model_type': 'mistral', 'hidden_size': "
		"5120, 'head_dim': 128, 'num_hidden_layers': 40, 'num_attention_heads': 32, "
		"'num_key_value_heads': 8, 'sliding_window': null, 'max_position_embeddings': "
		"1024000, 'torch_dtype': 'bfloat16'}",
		"head_dim=128;sliding_window=;context_length=1024000;warnings=0"},
	{"cohere 2: a pattern, a limit of its own",
		"{'architectures': ['Cohere2ForCausalLM'], 'model_type': 'cohere2', 'hidden_size': "
		"4096, 'num_hidden_layers': 4, 'num_attention_heads': 32, 'num_key_value_heads': "
		"8, "
		"'sliding_window': 4096, 'sliding_window_pattern': 4, 'max_position_embeddings': "
		"8192, 'model_max_length': 131072, 'torch_dtype': 'bfloat16'}",
		"sliding_window_per_layer=[4096, 4096, 4096, 0];context_length=131072;"
		"max_position_embeddings=8192;warnings=0"},
	{"llama 4: chunks",
		"{'architectures': ['Llama4ForConditionalGeneration'], 'model_type': 'llama4', "
		"'text_config': {'attention_chunk_size': 8192, 'head_dim': 128, 'hidden_size': "
		"5120, "
		"'num_hidden_layers': 4, 'num_attention_heads': 40, 'num_key_value_heads': 8, "
		"'num_local_experts': 16, 'num_experts_per_tok': 1, 'no_rope_layers': [], "
		"'max_position_embeddings': 10485760}, 'torch_dtype': 'bfloat16'}",
		"sliding_window=8192;sliding_window_per_layer=[8192, 8192, 8192, 0];num_experts=16;"
		"warnings=0"},
	{"exaone 4: letters",
		"{'architectures': ['Exaone4ForCausalLM'], 'model_type': 'exaone4', 'hidden_size': "
		"5120, 'num_hidden_layers': 5, 'num_attention_heads': 40, 'num_key_value_heads': "
		"8, "
		"'head_dim': 128, 'sliding_window': 4096, 'sliding_window_pattern': 'LLLG', "
		"'max_position_embeddings': 131072, 'torch_dtype': 'bfloat16'}",
		"sliding_window_per_layer=[4096, 4096, 4096, 0, 4096];warnings=0"},
	{"deepseek V3: latent attention, a layer that predicts",
		"{'architectures': ['DeepseekV3ForCausalLM'], 'model_type': 'deepseek_v3', "
		"'hidden_size': 7168, 'intermediate_size': 18432, 'kv_lora_rank': 512, "
		"'q_lora_rank': "
		"1536, 'qk_nope_head_dim': 128, 'qk_rope_head_dim': 64, 'v_head_dim': 128, "
		"'num_attention_heads': 128, 'num_key_value_heads': 128, 'num_hidden_layers': 61, "
		"'num_nextn_predict_layers': 1, 'n_routed_experts': 256, 'n_shared_experts': 1, "
		"'num_experts_per_tok': 8, 'max_position_embeddings': 163840, 'rope_theta': 10000, "
		"'rope_scaling': {'factor': 40, 'mscale': 1.0, 'original_max_position_embeddings': "
		"4096, 'type': 'yarn'}, 'quantization_config': {'activation_scheme': 'dynamic', "
		"'fmt': 'e4m3', 'quant_method': 'fp8', 'weight_block_size': [128, 128]}, "
		"'torch_dtype': 'bfloat16'}",
		"kv_lora_rank=512;q_lora_rank=1536;head_dim=192;value_head_dim=128;"
		"qk_rope_head_dim=64;qk_nope_head_dim=128;num_layers=62;nextn_predict_layers=1;"
		"num_experts=256;num_shared_experts=1;quantization={\"method\": \"fp8\", "
		"\"label\": "
		"\"fp8 e4m3\", \"bits\": 8, \"details\": {\"activation_scheme\": \"dynamic\", "
		"\"fmt\": \"e4m3\", \"weight_block_size\": [128, 128]}};kv_precision=bf16;"
		"field_sources.num_layers=config:config.json:num_hidden_layers+"
		"num_nextn_predict_layers;warnings=0"},
	{"falcon 7B: one head for all, though 71 are named",
		"{'architectures': ['FalconForCausalLM'], 'model_type': 'falcon', 'hidden_size': "
		"4544, 'num_hidden_layers': 32, 'num_attention_heads': 71, 'num_kv_heads': 71, "
		"'multi_query': true, 'new_decoder_architecture': false, 'torch_dtype': "
		"'bfloat16', "
		"'vocab_size': 65024}",
		"num_kv_heads=1;head_dim=64;intermediate_size=18176;context_length=;warnings=1;"
		"field_sources.num_kv_heads=config:config.json:multi_query"},
	{"falcon 40B",
		"{'architectures': ['FalconForCausalLM'], 'model_type': 'falcon', 'hidden_size': "
		"8192, 'num_hidden_layers': 60, 'num_attention_heads': 128, 'num_kv_heads': 8, "
		"'multi_query': true, 'new_decoder_architecture': true, 'torch_dtype': 'bfloat16'}",
		"num_kv_heads=8;head_dim=64"},
	{"starcoder: one head for all",
		"{'architectures': ['GPTBigCodeForCausalLM'], 'model_type': 'gpt_bigcode', "
		"'n_embd': "
		"6144, 'n_head': 48, 'n_layer': 40, 'n_inner': 24576, 'n_positions': 8192, "
		"'multi_query': true, 'torch_dtype': 'float32', 'vocab_size': 49152}",
		"num_layers=40;num_kv_heads=1;head_dim=128;intermediate_size=24576;"
		"context_length=8192;warnings=0"},
	{"gpt2: n_inner null is four times the width",
		"{'architectures': ['GPT2LMHeadModel'], 'model_type': 'gpt2', 'n_embd': 768, "
		"'n_head': "
		"12, 'n_layer': 12, 'n_inner': null, 'n_ctx': 1024, 'n_positions': 1024, "
		"'vocab_size': 50257, 'torch_dtype': 'float32'}",
		"intermediate_size=3072;context_length=1024;num_kv_heads=12;causal=true;warnings=0;"
		"field_sources.intermediate_size=derived:4*hidden_size"},
	{"chatglm 3",
		"{'architectures': ['ChatGLMModel'], 'model_type': 'chatglm', 'hidden_size': 4096, "
		"'ffn_hidden_size': 13696, 'kv_channels': 128, 'multi_query_attention': true, "
		"'multi_query_group_num': 2, 'num_attention_heads': 32, 'num_layers': 28, "
		"'padded_vocab_size': 65024, 'seq_length': 8192, 'torch_dtype': 'float16'}",
		"num_layers=28;num_kv_heads=2;head_dim=128;vocab_size=65024;context_length=8192;"
		"seq_length=8192;causal=true;warnings=0"},
	{"mpt: settings of attention in an object",
		"{'architectures': ['MPTForCausalLM'], 'model_type': 'mpt', 'd_model': 4096, "
		"'expansion_ratio': 4, 'max_seq_len': 2048, 'n_heads': 32, 'n_layers': 32, "
		"'attn_config': {'kv_n_heads': 8, 'rope_theta': 10000}, 'vocab_size': 50432, "
		"'torch_dtype': 'bfloat16'}",
		"hidden_size=4096;intermediate_size=16384;num_kv_heads=8;context_length=2048;"
		"field_sources.num_kv_heads=config:config.json:attn_config.kv_n_heads;warnings=0"},
	{"dbrx",
		"{'architectures': ['DbrxForCausalLM'], 'model_type': 'dbrx', 'd_model': 6144, "
		"'n_heads': 48, 'n_layers': 40, 'max_seq_len': 32768, 'attn_config': "
		"{'kv_n_heads': "
		"8, 'rope_theta': 500000}, 'ffn_config': {'ffn_hidden_size': 10752, "
		"'moe_num_experts': 16, 'moe_top_k': 4}, 'torch_dtype': 'bfloat16'}",
		"intermediate_size=10752;num_experts=16;num_experts_per_token=4;rope_theta=500000;"
		"warnings=0"},
	{"mixtral",
		"{'architectures': ['MixtralForCausalLM'], 'model_type': 'mixtral', 'hidden_size': "
		"4096, 'num_hidden_layers': 32, 'num_attention_heads': 32, 'num_key_value_heads': "
		"8, "
		"'num_local_experts': 8, 'num_experts_per_tok': 2, 'sliding_window': null, "
		"'max_position_embeddings': 32768, 'torch_dtype': 'bfloat16'}",
		"num_experts=8;num_experts_per_token=2;num_shared_experts=;warnings=0"},
	{"phi 3: longrope by its old name, limit at the root",
		"{'architectures': ['Phi3ForCausalLM'], 'model_type': 'phi3', 'hidden_size': 3072, "
		"'num_hidden_layers': 32, 'num_attention_heads': 32, 'num_key_value_heads': 32, "
		"'max_position_embeddings': 131072, 'original_max_position_embeddings': 4096, "
		"'sliding_window': 262144, 'rope_scaling': {'type': 'su', 'long_factor': [1.5, "
		"2.25], "
		"'short_factor': [1, 1.0]}, 'torch_dtype': 'bfloat16'}",
		"rope_scaling={\"type\": \"longrope\", \"original_context_length\": 4096, "
		"\"long_factor\": [1.5, 2.25], \"short_factor\": [1, 1]};sliding_window=262144;"
		"warnings=0"},
	{"openelm: heads by layer",
		"{'architectures': ['OpenELMForCausalLM'], 'model_type': 'openelm', 'model_dim': "
		"1280, 'head_dim': 64, 'num_transformer_layers': 4, 'num_query_heads': [12, 12, "
		"16, "
		"20], 'num_kv_heads': [3, 3, 4, 5], 'max_context_length': 2048, 'vocab_size': "
		"32000, "
		"'torch_dtype': 'float32'}",
		"num_layers=4;num_attention_heads=20;num_kv_heads=5;kv_heads_per_layer=[3, 3, 4, "
		"5];head_dim=64;context_length=2048;warnings=0"},
	{"bamba: the numbers of the layers with attention",
		"{'architectures': ['BambaForCausalLM'], 'model_type': 'bamba', 'hidden_size': "
		"4096, "
		"'num_hidden_layers': 4, 'num_attention_heads': 32, 'num_key_value_heads': 8, "
		"'attn_layer_indices': [2], 'mamba_d_conv': 4, 'mamba_d_head': 64, "
		"'mamba_d_state': "
		"128, 'mamba_expand': 2, 'mamba_n_groups': 1, 'mamba_n_heads': 128, "
		"'max_position_embeddings': 262144, 'torch_dtype': 'bfloat16'}",
		"recurrent_per_layer=[1, 1, 0, 1];kv_heads_per_layer=[0, 0, 8, 0];"
		"ssm_inner_size=8192;ssm_group_count=1;conv_kernel=4;ssm_state_size=128;warnings="
		"0"},
	{"jamba: a period and an offset",
		"{'architectures': ['JambaForCausalLM'], 'model_type': 'jamba', 'hidden_size': "
		"4096, "
		"'num_hidden_layers': 8, 'num_attention_heads': 32, 'num_key_value_heads': 8, "
		"'attn_layer_period': 8, 'attn_layer_offset': 4, 'mamba_d_conv': 4, "
		"'mamba_d_state': "
		"16, 'mamba_expand': 2, 'num_experts': 16, 'num_experts_per_tok': 2, "
		"'max_position_embeddings': 262144, 'torch_dtype': 'bfloat16'}",
		"recurrent_per_layer=[1, 1, 1, 1, 0, 1, 1, 1];"
		"kv_heads_per_layer=[0, 0, 0, 0, 8, 0, 0, 0];ssm_inner_size=8192;ssm_state_size=16;"
		"ssm_group_count=;warnings=0"},
	{"nemotron H: letters, layers with neither",
		"{'architectures': ['NemotronHForCausalLM'], 'model_type': 'nemotron_h', "
		"'hidden_size': 4096, 'head_dim': 128, 'num_hidden_layers': 5, "
		"'num_attention_heads': 32, 'num_key_value_heads': 8, 'hybrid_override_pattern': "
		"'M-M*-', 'mamba_num_heads': 128, 'mamba_head_dim': 64, 'ssm_state_size': 128, "
		"'n_groups': 8, 'conv_kernel': 4, 'max_position_embeddings': 8192, 'torch_dtype': "
		"'bfloat16'}",
		"recurrent_per_layer=[1, 0, 1, 0, 0];kv_heads_per_layer=[0, 0, 0, 8, 0];"
		"ssm_inner_size=8192;ssm_group_count=8;warnings=0"},
	{"recurrent gemma: a repeated pattern, all attention in a window",
		"{'architectures': ['RecurrentGemmaForCausalLM'], 'model_type': 'recurrent_gemma', "
		"'hidden_size': 2560, 'num_hidden_layers': 5, 'num_attention_heads': 10, "
		"'num_key_value_heads': 1, 'attention_window_size': 2048, 'block_types': "
		"['recurrent', 'recurrent', 'attention'], 'lru_width': 2560, 'conv1d_width': 4, "
		"'torch_dtype': 'bfloat16'}",
		"recurrent_per_layer=[1, 1, 0, 1, 1];sliding_window_per_layer=[0, 0, 2048, 0, 0];"
		"kv_heads_per_layer=[0, 0, 1, 0, 0];ssm_inner_size=2560;conv_kernel=4"},
	{"mamba: no attention at all",
		"{'architectures': ['MambaForCausalLM'], 'model_type': 'mamba', 'hidden_size': "
		"768, "
		"'num_hidden_layers': 3, 'intermediate_size': 1536, 'conv_kernel': 4, "
		"'state_size': "
		"16, 'expand': 2, 'vocab_size': 50280, 'torch_dtype': 'float32'}",
		"recurrent_per_layer=[1, 1, 1];kv_heads_per_layer=;ssm_inner_size=1536;"
		"ssm_state_size=16;num_attention_heads=;warnings=0"},
	{"t5: layers of the encoder and of the decoder",
		"{'architectures': ['T5ForConditionalGeneration'], 'model_type': 't5', 'd_model': "
		"512, "
		"'d_kv': 64, 'd_ff': 1024, 'num_heads': 6, 'num_layers': 8, 'num_decoder_layers': "
		"7, "
		"'is_encoder_decoder': true, 'n_positions': 512, 'vocab_size': 32128, "
		"'torch_dtype': 'float32'}",
		"num_layers=7;num_encoder_layers=8;head_dim=64;intermediate_size=1024;causal=true;"
		"warnings=0"},
	{"t5 encoder of an image model",
		"{'architectures': ['T5EncoderModel'], 'model_type': 't5', 'd_model': 4096, "
		"'d_kv': "
		"64, 'd_ff': 10240, 'num_heads': 64, 'num_layers': 24, 'num_decoder_layers': 12, "
		"'is_encoder_decoder': true, 'vocab_size': 32128, 'torch_dtype': 'bfloat16'}",
		"num_layers=24;num_encoder_layers=;causal=false;kv_precision=;warnings=0"},
	{"bart: the common key counts the encoder's",
		"{'architectures': ['BartForConditionalGeneration'], 'model_type': 'bart', "
		"'d_model': "
		"1024, 'encoder_layers': 12, 'decoder_layers': 6, 'num_hidden_layers': 12, "
		"'decoder_attention_heads': 16, 'encoder_attention_heads': 8, 'decoder_ffn_dim': "
		"4096, 'is_encoder_decoder': true, 'max_position_embeddings': 1024, 'torch_dtype': "
		"'float32'}",
		"num_layers=6;num_encoder_layers=12;num_attention_heads=16;intermediate_size=4096;"
		"warnings=0"},
	{"whisper",
		"{'architectures': ['WhisperForConditionalGeneration'], 'model_type': 'whisper', "
		"'d_model': 1280, 'encoder_layers': 32, 'decoder_layers': 4, "
		"'decoder_attention_heads': 20, 'decoder_ffn_dim': 5120, 'num_hidden_layers': 32, "
		"'is_encoder_decoder': true, 'max_source_positions': 1500, 'max_target_positions': "
		"448, 'vocab_size': 51866, 'torch_dtype': 'float16'}",
		"num_layers=4;num_encoder_layers=32;context_length=448;hidden_size=1280;warnings="
		"0"},
	{"bert keeps no cache",
		"{'architectures': ['BertModel'], 'model_type': 'bert', 'hidden_size': 384, "
		"'intermediate_size': 1536, 'max_position_embeddings': 512, 'num_attention_heads': "
		"12, 'num_hidden_layers': 6, 'vocab_size': 30522, 'torch_dtype': 'float32'}",
		"causal=false;kv_precision=;context_length=512;warnings=0"},
	{"distilbert",
		"{'architectures': ['DistilBertForMaskedLM'], 'model_type': 'distilbert', 'dim': "
		"768, "
		"'hidden_dim': 3072, 'max_position_embeddings': 512, 'n_heads': 12, 'n_layers': 6, "
		"'vocab_size': 30522}",
		"hidden_size=768;intermediate_size=3072;num_layers=6;causal=false;warnings=0"},
	{"bert as a decoder",
		"{'architectures': ['BertGenerationDecoder'], 'model_type': 'bert-generation', "
		"'is_decoder': true, 'hidden_size': 64, 'num_attention_heads': 4, "
		"'num_hidden_layers': 2, 'max_position_embeddings': 64, 'torch_dtype': 'float32'}",
		"causal=true;field_sources.causal=config:config.json:is_decoder;warnings=0"},
	{"clip's tower alone",
		"{'architectures': ['CLIPVisionModelWithProjection'], 'model_type': "
		"'clip_vision_model', 'hidden_size': 1280, 'image_size': 224, 'patch_size': 14, "
		"'num_hidden_layers': 32, 'num_attention_heads': 16, 'projection_dim': 1024, "
		"'intermediate_size': 5120}",
		"causal=false;vision={\"image_size\": 224, \"patch_size\": 14, \"hidden_size\": "
		"1280, \"num_layers\": 32, \"num_heads\": 16, \"intermediate_size\": 5120, "
		"\"projection_dim\": 1024};warnings=0"},
	{"llava: the tower is named, and defaults are not said",
		"{'architectures': ['LlavaForConditionalGeneration'], 'model_type': 'llava', "
		"'text_config': {'model_type': 'llama', 'max_position_embeddings': 4096, "
		"'torch_dtype': 'float16', 'vocab_size': 32064}, 'vision_config': {'hidden_size': "
		"1024, 'image_size': 336, 'num_hidden_layers': 24, 'num_attention_heads': 16, "
		"'patch_size': 14}, 'torch_dtype': 'float16'}",
		"num_layers=;vocab_size=32064;context_length=4096;vision.image_size=336;warnings="
		"3"},
	{"internvl: llm_config",
		"{'architectures': ['InternVLChatModel'], 'model_type': 'internvl_chat', "
		"'llm_config': {'architectures': ['Qwen2ForCausalLM'], 'hidden_size': 896, "
		"'num_hidden_layers': 24, 'num_attention_heads': 14, 'num_key_value_heads': 2, "
		"'max_position_embeddings': 32768, 'torch_dtype': 'bfloat16'}, 'vision_config': "
		"{'hidden_size': 1024, 'image_size': 448, 'patch_size': 14, 'num_hidden_layers': "
		"24, "
		"'num_attention_heads': 16}, 'torch_dtype': 'bfloat16'}",
		"num_layers=24;num_kv_heads=2;head_dim=64;causal=true;"
		"field_sources.num_layers=config:config.json:llm_config.num_hidden_layers;"
		"vision.image_size=448;warnings=0"},
	{"qwen omni: a text model two objects down",
		"{'architectures': ['Qwen2_5OmniForConditionalGeneration'], 'model_type': "
		"'qwen2_5_omni', 'thinker_config': {'text_config': {'hidden_size': 3584, "
		"'num_hidden_layers': 28, 'num_attention_heads': 28, 'num_key_value_heads': 4, "
		"'max_position_embeddings': 32768}, 'torch_dtype': 'bfloat16', 'vision_config': "
		"{'depth': 32, 'patch_size': 14}}}",
		"num_layers=28;weight_precision=bf16;vision.num_layers=32;field_sources.num_layers="
		"config:config.json:thinker_config.text_config.num_hidden_layers;warnings=0"},
	{"trocr: a decoder in an object",
		"{'architectures': ['VisionEncoderDecoderModel'], 'model_type': "
		"'vision-encoder-decoder', 'decoder': {'is_decoder': true, 'd_model': 1024, "
		"'decoder_layers': 12, 'decoder_attention_heads': 16, 'max_position_embeddings': "
		"512}, 'encoder': {'hidden_size': 768}, 'torch_dtype': 'float32'}",
		"num_layers=12;hidden_size=1024;causal=true;warnings=0"},
	{"an adapter's or unknown file has nothing", "{'peft_type': 'LORA', 'r': 8}",
		"model_type=;num_layers=;warnings=0"},
};

static const struct row images[] = {
	{"qwen image transformer",
		"{'_class_name': 'QwenImageTransformer2DModel', 'attention_head_dim': 128, "
		"'axes_dims_rope': [16, 56, 56], 'in_channels': 64, 'joint_attention_dim': 3584, "
		"'num_attention_heads': 24, 'num_layers': 60, 'out_channels': 16, 'patch_size': 2, "
		"'guidance_embeds': false}",
		"architecture=QwenImageTransformer2DModel;num_layers=60;num_attention_heads=24;"
		"head_dim=128;hidden_size=3072;joint_attention_dim=3584;in_channels=64;"
		"out_channels=16;patch_size=2;causal=false;num_kv_heads=;warnings=0"},
	{"flux: two kinds of blocks",
		"{'_class_name': 'FluxTransformer2DModel', 'attention_head_dim': 128, "
		"'in_channels': "
		"64, 'joint_attention_dim': 4096, 'num_attention_heads': 24, 'num_layers': 19, "
		"'num_single_layers': 38, 'patch_size': 1}",
		"num_layers=57;field_sources.num_layers=config:config.json:num_layers+"
		"num_single_layers;warnings=0"},
	{"wan: patches of three sides",
		"{'_class_name': 'WanTransformer3DModel', 'attention_head_dim': 128, 'ffn_dim': "
		"13824, 'in_channels': 16, 'num_attention_heads': 40, 'num_layers': 40, "
		"'out_channels': 16, 'patch_size': [1, 2, 2]}",
		"patch_size=2;intermediate_size=13824;hidden_size=5120;warnings=0"},
	{"sdxl unet: lists",
		"{'_class_name': 'UNet2DConditionModel', 'attention_head_dim': [5, 10, 20], "
		"'block_out_channels': [320, 640, 1280], 'cross_attention_dim': 2048, "
		"'in_channels': "
		"4, 'layers_per_block': 2, 'out_channels': 4}",
		"block_out_channels=[320, 640, 1280];cross_attention_dim=2048;layers_per_block=2;"
		"in_channels=4;head_dim=;warnings=0"},
	{"autoencoder",
		"{'_class_name': 'AutoencoderKL', 'block_out_channels': [128, 256, 512, 512], "
		"'in_channels': 3, 'latent_channels': 4, 'layers_per_block': 2, 'out_channels': 3}",
		"latent_channels=4;block_out_channels=[128, 256, 512, 512];warnings=0"},
	{"qwen image's autoencoder",
		"{'_class_name': 'AutoencoderKLQwenImage', 'base_dim': 96, 'dim_mult': [1, 2, 4, "
		"4], "
		"'num_res_blocks': 2, 'z_dim': 16, 'temperal_downsample': [false, true, true]}",
		"latent_channels=16;layers_per_block=2;warnings=0"},
	{"a scheduler has a name",
		"{'_class_name': 'FlowMatchEulerDiscreteScheduler', 'num_train_timesteps': 1000}",
		"architecture=FlowMatchEulerDiscreteScheduler;causal=;warnings=0"},
};

#define GOOD                                                                                       \
	"'architectures': ['LlamaForCausalLM'], 'hidden_size': 64, 'num_attention_heads': 4, "     \
	"'num_hidden_layers': 2, 'max_position_embeddings': 128, 'torch_dtype': 'bfloat16'"

static const struct row quantizations[] = {
	{"gptq",
		"{" GOOD
		", 'quantization_config': {'bits': 4, 'group_size': 128, 'desc_act': false, "
		"'sym': true, 'model_name_or_path': null, 'quant_method': 'gptq'}}",
		"quantization={\"method\": \"gptq\", \"label\": \"int4\", \"bits\": 4, "
		"\"group_size\": 128, \"details\": {\"desc_act\": false, \"sym\": true}};"
		"field_sources.quantization=config:config.json:quantization_config;"
		"kv_precision=bf16;warnings=0"},
	{"gptq by column",
		"{" GOOD ", 'quantization_config': {'bits': 8, 'group_size': -1, 'quant_method': "
		"'GPTQ'}}",
		"quantization={\"method\": \"gptq\", \"label\": \"int8\", \"bits\": 8, "
		"\"group_size\": -1};warnings=0"},
	{"awq",
		"{" GOOD
		", 'quantization_config': {'w_bit': 4, 'q_group_size': 64, 'version': 'gemm', "
		"'quant_method': 'awq'}}",
		"quantization={\"method\": \"awq\", \"label\": \"int4\", \"bits\": 4, "
		"\"group_size\": 64, \"details\": {\"version\": \"gemm\"}};warnings=0"},
	{"bitsandbytes in four bits",
		"{" GOOD ", 'quantization_config': {'load_in_4bit': true, 'load_in_8bit': false, "
		"'bnb_4bit_quant_type': 'nf4', 'quant_method': 'bitsandbytes'}}",
		"quantization.method=bitsandbytes;quantization.label=nf4;quantization.bits=4;"
		"warnings=0"},
	{"bitsandbytes in eight bits, unnamed",
		"{" GOOD ", 'quantization_config': {'load_in_8bit': true}}",
		"quantization.method=bitsandbytes;quantization.label=int8;quantization.bits=8;"
		"warnings=0"},
	{"compressed-tensors in fp8, with a cache",
		"{" GOOD
		", 'quantization_config': {'quant_method': 'compressed_tensors', 'format': "
		"'float-quantized', 'config_groups': {'group_0': {'weights': {'num_bits': 8, "
		"'type': "
		"'float', 'strategy': 'channel', 'group_size': null}}}, 'kv_cache_scheme': "
		"{'num_bits': 8, 'type': 'float'}}}",
		"quantization.method=compressed-tensors;quantization.label=fp8 e4m3;"
		"quantization.bits=8;quantization.group_size=-1;kv_precision=fp8_e4m3;"
		"field_sources.kv_precision=config:config.json:quantization_config.kv_cache_scheme."
		"type;warnings=0"},
	{"compressed-tensors in integers, the old name",
		"{" GOOD ", 'compression_config': {'quant_method': 'compressed-tensors', 'format': "
		"'pack-quantized', 'config_groups': {'group_0': {'weights': {'num_bits': 4, "
		"'type': "
		"'int', 'strategy': 'group', 'group_size': 128}}}, 'kv_cache_scheme': null}}",
		"quantization.label=int4;quantization.group_size=128;kv_precision=bf16;warnings=0"},
	{"nvfp4",
		"{" GOOD
		", 'quantization_config': {'quant_method': 'compressed-tensors', 'format': "
		"'nvfp4-pack-quantized', 'config_groups': {'group_0': {'weights': {'num_bits': 4, "
		"'type': 'float', 'group_size': 16}}}}}",
		"quantization.label=nvfp4;quantization.group_size=16;warnings=0"},
	{"modelopt within config.json",
		"{" GOOD
		", 'quantization_config': {'quant_method': 'modelopt', 'quant_algo': 'FP8', "
		"'kv_cache_quant_algo': 'FP8'}}",
		"quantization.label=fp8 e4m3;kv_precision=fp8_e4m3;warnings=0"},
	{"a method nobody knows",
		"{" GOOD ", 'quantization_config': {'quant_method': 'newq', 'bits': 3}}",
		"quantization.method=newq;quantization.label=int3;quantization.bits=3;warnings=0"},
	{"bits that are a fraction",
		"{" GOOD ", 'quantization_config': {'quant_method': 'exl2', 'bits': 4.65}}",
		"quantization={\"method\": \"exl2\"};warnings=0"},
	{"no method", "{" GOOD ", 'quantization_config': {'bits': 4}}", "quantization=;warnings=1"},
	{"quantization that is no object", "{" GOOD ", 'quantization_config': 4}",
		"quantization=;warnings=0"},
	{"a stated type of the cache", "{" GOOD ", 'kv_cache_dtype': 'fp8'}",
		"kv_precision=fp8_e4m3;warnings=0"},
	{"a cache that is the runtime's choice", "{" GOOD ", 'kv_cache_dtype': 'auto'}",
		"kv_precision=bf16;warnings=0"},
};

static const struct row oddities[] = {
	{"null is absent", "{" GOOD ", 'head_dim': null, 'num_key_value_heads': null}",
		"head_dim=16;num_kv_heads=4;warnings=0"},
	{"whole fractions are whole", "{" GOOD ", 'vocab_size': 32000.0, 'rope_theta': 1e4}",
		"vocab_size=32000;rope_theta=10000;warnings=0"},
	{"a number in a string", "{" GOOD ", 'vocab_size': '32000', 'rope_theta': '10000'}",
		"vocab_size=32000;rope_theta=10000;warnings=2"},
	{"a fraction", "{" GOOD ", 'vocab_size': 32000.5}", "vocab_size=;warnings=1"},
	{"a negative number", "{" GOOD ", 'vocab_size': -1}", "vocab_size=;warnings=1"},
	{"other types",
		"{" GOOD ", 'vocab_size': true, 'intermediate_size': {}, 'rope_theta': [], "
		"'head_dim': 'big', 'sliding_window': 'x', 'rope_scaling': 4, "
		"'tie_word_embeddings': "
		"'yes', 'model_type': 7}",
		"vocab_size=;intermediate_size=;rope_theta=;head_dim=16;sliding_window=;"
		"rope_scaling=;tie_word_embeddings=;model_type=;warnings=6"},
	{"an implausible key, then a good one", "{'n_layer': 3, 'num_hidden_layers': 0}",
		"num_layers=3"},
	{"layers of 10^12",
		"{'architectures': ['XForCausalLM'], 'num_hidden_layers': 1000000000000}",
		"num_layers="},
	{"an integer past 64 bits",
		"{" GOOD ", 'vocab_size': 1000000000000000019884624838656, 'head_dim': 32}",
		"vocab_size=;head_dim=32;num_layers=2;warnings=1"},
	{"no heads",
		"{'architectures': ['XForCausalLM'], 'num_hidden_layers': 2, "
		"'num_attention_heads': "
		"0, 'hidden_size': 64}",
		"num_attention_heads=;head_dim=;num_kv_heads=;warnings=4"},
	{"heads that do not divide",
		"{'architectures': ['XForCausalLM'], 'num_hidden_layers': 2, "
		"'num_attention_heads': "
		"5, 'num_key_value_heads': 2, 'hidden_size': 64, 'max_position_embeddings': 9, "
		"'torch_dtype': 'bfloat16'}",
		"head_dim=;warnings=2"},
	{"layer_types of other layers", "{" GOOD ", 'layer_types': ['full_attention']}",
		"recurrent_per_layer=;warnings=1"},
	{"layer_types that are no words", "{" GOOD ", 'layer_types': [1, 2]}", "warnings=1"},
	{"layer_types without a window",
		"{" GOOD ", 'layer_types': ['sliding_attention', 'full_attention']}",
		"sliding_window=;sliding_window_per_layer=;warnings=1"},
	{"a list by layer of other layers", "{" GOOD ", 'num_key_value_heads': [1, 2, 4]}",
		"num_kv_heads=4;kv_heads_per_layer=;warnings=1"},
	{"a list with a hole", "{" GOOD ", 'num_key_value_heads': [1, null]}",
		"kv_heads_per_layer=;warnings=1"},
	{"an empty list", "{" GOOD ", 'num_key_value_heads': []}", "num_kv_heads=4;warnings=1"},
	{"a period of 0", "{" GOOD ", 'full_attention_interval': 0, 'attn_layer_period': -1}",
		"recurrent_per_layer=;warnings=0"},
	{"a window of 0", "{" GOOD ", 'sliding_window': 0}", "sliding_window=;warnings=0"},
	{"rope past all bounds", "{" GOOD ", 'rope_theta': 1e300}", "rope_theta=;warnings=1"},
	{"rope of 0", "{" GOOD ", 'rope_theta': 0}", "rope_theta=;warnings=1"},
	{"scaling nested too deep",
		"{" GOOD ", 'rope_scaling': {'type': 'yarn', 'a': [[[[[[[[1]]]]]]]]}}",
		"rope_scaling=;warnings=1"},
	{"control characters",
		"{" GOOD ", 'model_type': 'a\\u001b[31m', 'rope_scaling': {'type': 'a\\u202e'}}",
		"model_type=a\\x1b[31m;rope_scaling={\"type\": \"a\\u202e\"};warnings=0"},
	{"an empty name", "{" GOOD ", 'model_type': ''}", "model_type=;warnings=1"},
	{"architectures of no name", "{'architectures': [null, 5]}", "architecture=;warnings=0"},
	{"text_config that is no object", "{" GOOD ", 'text_config': [], 'decoder': 'x'}",
		"num_layers=2;warnings=0"},
	{"a class name that is none", "{'_class_name': 7, 'num_layers': 3}",
		"num_layers=;warnings=1"},
	{"an empty object", "{}", "warnings=0;field_sources={}"},
};

/* Rows are written with ' for ", which is easier to read. */
static char *quoted(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	for (char *at = copy; *at; at++) {
		if (*at == '\'')
			*at = '"';
	}
	return copy;
}

static void try_config(void **state)
{
	const struct row *row = *state;
	_cleanup_free_ char *text = quoted(row->config);
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_arch_new(&arch, &err), &err, BAKE_OK, NULL);
	check_status(bake_arch_read_config(arch, bake_span_text(text), "config.json", &err), &err,
		BAKE_OK, NULL);
	check_status(bake_arch_finish(arch, &err), &err, BAKE_OK, NULL);
	check_record(arch, row->want);
}

struct refusal {
	const char *name;
	const char *text;
	const char *id;
};

static const struct refusal refusals[] = {
	{"NaN", "{\"rope_theta\": NaN}", "json.syntax"},
	{"Infinity", "{\"rope_theta\": Infinity}", "json.syntax"},
	{"an array", "[]", "json.type"},
	{"nothing", "", "json.syntax"},
	{"an LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "json.syntax"},
	{"twice the same key", "{\"a\": 1, \"a\": 2}", "json.duplicate-key"},
	{"deep", "{\"a\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
		"json.depth"},
};

static void try_refusal(void **state)
{
	static enum bake_status (*const readers[])(struct bake_arch * arch, struct bake_span text,
		const char *path, struct bake_error *err) = {
		bake_arch_read_config,
		bake_arch_read_generation,
		bake_arch_read_preprocessor,
		bake_arch_read_tokenizer,
		bake_arch_read_quantize,
		bake_arch_read_model_index,
	};
	const struct refusal *row = *state;

	for (size_t i = 0; i < countof(readers); i++) {
		_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
		struct bake_error err = BAKE_ERROR_INIT;

		check_status(bake_arch_new(&arch, &err), &err, BAKE_OK, NULL);
		check_status(readers[i](arch, bake_span_text(row->text), "a/config.json", &err),
			&err, BAKE_ERR_DATA, row->id);
		assert_true(bake_arch_is_empty(arch));
		assert_int_equal(arch->source_count, 0);
	}
}

int main(void)
{
	static const struct rows tables[] = {
		ROWS(families, try_config),
		ROWS(images, try_config),
		ROWS(quantizations, try_config),
		ROWS(oddities, try_config),
		ROWS(refusals, try_refusal),
	};

	return run_rows("arch/config", tables, countof(tables));
}
