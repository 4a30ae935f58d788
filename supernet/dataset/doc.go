// Package dataset reads labelled images and feeds them to training: shuffled,
// augmented and normalised batches, made by goroutines while the network is
// busy with the batch before.
//
// # Sets
//
// [Open] recognises what is in a folder:
//
//   - ImageFolder: train/CLASS/… and val/CLASS/… of JPEG, PNG, WebP, GIF (the
//     first picture), BMP and TIFF files, known by their content. Classes are the
//     names of the folders, in a [ClassOrder]. Images are decoded when they are
//     needed, or read from a [Pack]. Without val, or without both, some images of
//     every class are held out.
//   - CIFAR-10, binary version: data_batch_1.bin to data_batch_5.bin and
//     test_batch.bin. In memory.
//   - IDX, the format of MNIST, plain or packed with gzip, known by its content.
//     In memory.
//   - digits: IDX files made by [MakeDigits], a harder set made from MNIST.
//   - emoji: an ImageFolder made by [MakeEmoji], of drawings in npm packages.
//
// A [Set] is a list of images with labels; [Set.Split] holds some out for
// validation. Sets are cheap views and can be read by many goroutines.
//
// # Batches
//
// A [Loader] turns a Set into batches [N, 3, Size, Size], float32,
// (value/255 - Mean) / Std. For training it shuffles by (seed, epoch), augments
// and drops the last batch if it is not full; with Evaluate it keeps the order
// and ends with a short batch.
//
// Images are what PIL's convert("RGB") makes of them: colours of transparent
// pixels are those in the file, and JPEG's and WebP's chroma is interpolated.
//
// Everything random is a function of the seed, the epoch and the image, never
// of time or of the number of goroutines. So a run that was killed at
// (epoch, step) and goes on there sees what it would have seen.
//
// # Bad files
//
// An image that cannot be read is counted, named ([Set.Unreadable]) and
// skipped, until more than a stated share of the set is bad, which ends the
// loading with [ErrUnreadable]. What is no image is counted and named too
// ([Set.LeftOut]). Headers are checked before memory is taken, and files are
// regular ones: a pipe is never opened.
package dataset
