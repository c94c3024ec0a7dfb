"""The engines, one a file: what runs a network a token at a time. Their interface is `seqgen.generation.engine`."""
