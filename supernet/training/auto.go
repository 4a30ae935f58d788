package training

import "math"

// Shape is what the preset auto follows from: the data, and the memory of the
// machine.
type Shape struct {
	ImageSize int
	Classes   int
	Images    int     // of the training part; 0: not known, [autoImages] are taken
	Augment   string  // what suits them, see [dataset.Set.Suits]
	Memory    float64 // bytes; 0: not known, any batch fits
}

// The preset auto is small's for so many images, those of the digits.
const autoImages = 60_000

// Bounds of the preset auto: images of a step, and how many times the epochs of
// small's it has.
const (
	autoLeastBatch, autoMostBatch = 8, 256
	autoMostEpochs                = 16
)

// Auto returns settings that follow from the data by one formula, which is that of
// docs/TRAINING.md (Presets). With r = images/60,000 they are those of [Small],
// with
//
//	batch    64·r^(1/3), a multiple of 8 from 8 to 256, at most what half of the memory holds
//	rate     small's · √(batch/64)
//	epochs   small's / √r, 1 to 16 times small's
//	warm-up  a twelfth of the epochs of the heaviest network and the supernet
//	average  of the weights of small's 1,000 steps, at most 4/15 of the steps
//
// The size of the images enters by the memory of a step alone.
func Auto(stage Stage, d Shape) Settings {
	s := Small(stage)
	s.Preset, s.ImageSize, s.Classes = "auto", d.ImageSize, d.Classes
	if d.Augment != "" {
		s.Augment = d.Augment
	}
	if d.Images == 0 {
		d.Images = autoImages
	}
	r := float64(d.Images) / autoImages
	s.BatchSize = multipleOf8(64 * math.Cbrt(r))
	if most := s.fittingBatch(d.Memory / 2); most > 0 {
		s.BatchSize = min(s.BatchSize, multipleOf8(float64(most)-4))
	}
	s.LR = twoDigits(s.LR * math.Sqrt(float64(s.BatchSize)/64))
	s.Epochs = int(math.Round(float64(s.Epochs) * min(max(1/math.Sqrt(r), 1), autoMostEpochs)))
	if s.WarmupEpochs > 0 {
		s.WarmupEpochs = (s.Epochs + 6) / 12
	}
	steps := float64(s.Epochs*d.Images) / float64(s.BatchSize)
	s.ModelEMADecay = min(s.ModelEMADecay, max(0, 1-twoDigits(3.75/steps)))
	s.ImageSize, s.Classes = 0, 0 // [Settings.For] says them
	return s
}

// twoDigits rounds to two significant digits.
func twoDigits(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Round(math.Round(v/unit)*unit*1e9) / 1e9
}

// multipleOf8 is the nearest batch that auto may choose.
func multipleOf8(images float64) int {
	return min(max(8*int(math.Round(images/8)), autoLeastBatch), autoMostBatch)
}
