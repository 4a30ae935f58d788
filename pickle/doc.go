// Package pickle reads the pickles and torch files that BINAS and PyTorch
// write, and writes plain pickles that Python reads back.
//
// A pickle is a program for a small stack machine that may call any Python
// function. Nothing is ever called here: a stream is first scanned as a whole,
// and refused unless every opcode is known, every length fits the bytes that
// remain, every global is on a short list (see [ErrForbidden]) and the memory
// it would need is a small multiple of its size ([ErrTooLarge]). Only then is
// it run, by github.com/nlpodyssey/gopickle.
//
//	[Decode]       data: None, bool, int, float, str, list, tuple, dict
//	[DecodeTorch]  the tensors of a state dict, from a torch file
//	[Encode]       ordered dicts, lists, strings and numbers, as protocol 4
//
// Values may be shared or contain themselves, as in Python: walk them to a
// known depth only.
package pickle
