// Package training trains networks: the heaviest network of a space, the
// one-shot model, and children of that. It is the first, second and last step of
// the method of BINAS; what computes gradients is package backprop, what makes
// batches package dataset.
//
// # Stages
//
//   - [Heaviest]: the network with every decision at its largest, alone.
//     Cross-entropy with smoothed labels, dropout, drop-path.
//   - [OneShot]: the supernet. It begins with the weights of the heaviest network,
//     channels ordered by importance so that narrow options get the best, and is
//     taught by it: logits and the outputs of the stages.
//   - [FineTune]: one child, extracted from the supernet, taught by the heaviest
//     network.
//
// [Auto] has settings for each that follow from the data, [Paper] those of the paper, [Small] others for small images
// and a few processor cores; [Settings] says what can be changed.
//
// # Paths
//
// The original draws a path for every image, and its batch statistics are over
// all images, whichever path they take ([SampleImage]). That makes every block
// compute all it has for every image. Here the default is a path for every
// micro-batch ([SampleBatch]): a step adds up the gradients of several paths
// before it moves the weights, each with statistics of its own images, as the
// child will have. [SampleSandwich] sends the same images through the largest
// network, the smallest and some between: the bounds of the space are then
// trained at every step, and the teacher runs once for all paths.
//
// # Runs
//
// [Train] keeps everything in a run folder (docs/FORMATS.md) and resumes from its
// last checkpoint. Data, augmentation, paths, dropout and drop-path are
// functions of the seed and the number of the step. So a run that was cancelled
// or killed, at any moment and however often, ends with the weights and the
// metrics of one that was not; with the same number of threads they are equal to
// the last bit.
//
// A step that is interrupted leaves no trace: gradients are thrown away and the
// running statistics of normalisations put back.
package training
