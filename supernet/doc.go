// Package supernet holds the weights of BINAS's one-shot model, from which
// every network of a [model.Space] takes its own.
//
// # How weights are shared
//
// A searched block holds one expansion, one projection and one squeeze-excite of
// the greatest width; an option uses their first channels. What options cannot
// share they have for themselves:
//
//	conv_pw, bn1     one, cut to the first channels of the option's width
//	conv_dw.K, bn2.K one for each kernel size K (0: 3x3, 1: 5x5), cut likewise
//	se.1             one, cut to the first channels and the first squeezed channels
//	conv_pwl         one, cut to the first input channels
//	bn3.J            one for each expansion and squeeze-excite, J = expansion·2 + se
//
// A stage of lesser depth ends after its first blocks. Stem, first block, last
// convolution and head are every network's. Weights are an [onnx.StateDict]
// under the names of BINAS's PyTorch model, so that a supernet trained there is
// used here and the other way round; [Layout] lists names and shapes.
//
// # What is done with them
//
//	[Init]                weights to start from
//	[Child]               the weights of one network
//	[FromHeaviest]        a supernet that begins as the trained heaviest network
//	[Reorder]             the channels that matter most come first, where all options have them
//	[Decode], [Encode]    checkpoints: torch.save (read), safetensors (read and written);
//	[Load], [Save]        the same as files
//	[CheckSupernet]       whether a checkpoint is of this space
//
// Nothing is trained or evaluated here.
package supernet
