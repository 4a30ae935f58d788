// Package pickle reads the pickles and torch files that BINAS and PyTorch
// write, and writes plain pickles that Python reads back.
//
// A pickle is a program for a small stack machine that may call any Python
// function. The machine here runs the opcodes of protocols 0 to 5, but calls
// nothing: containers, numbers, numpy's scalars and arrays and torch's tensors
// are made from the few names that stand for them (see the table callables), and
// whatever else a pickle would make is an opaque value, which does no harm as long
// as nobody needs it. Where somebody does, the error wraps [ErrForbidden].
//
// Memory is paid for before it is taken, out of a small multiple of the length
// of the pickle ([ErrTooLarge]); that bounds the work as well.
//
//	[Decode]       one pickle
//	[DecodeTorch]  the state dict in a file of torch.save
//	[Encode]       ordered dicts, lists, strings and numbers, as protocol 4
//
// Values may be shared or contain themselves, as in Python: walk them to a
// known depth only.
package pickle
