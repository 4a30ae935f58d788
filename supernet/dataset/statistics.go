package dataset

import "math"

// statistics are the mean and deviation of every channel of the images, as
// values of 0 to 1.
func (m *memory) statistics() (mean, std [3]float64) {
	counts := make([][256]int, m.channels)
	plane := m.width * m.height
	for p, v := range m.pixels {
		c := p / plane % m.channels
		if m.interleaved {
			c = p % m.channels
		}
		counts[c][v]++
	}
	for c := range mean {
		mean[c], std[c] = momentsOf(&counts[min(c, m.channels-1)])
	}
	return mean, std
}

// momentsOf is the mean and the deviation of bytes that occur so many times, as
// values of 0 to 1. The deviation is never 0, as values are divided by it.
func momentsOf(counts *[256]int) (mean, std float64) {
	var n, sum, squares float64
	for v, count := range counts {
		x, k := float64(v)/255, float64(count)
		n, sum, squares = n+k, sum+k*x, squares+k*x*x
	}
	mean = sum / n
	return mean, math.Sqrt(max(squares/n-mean*mean, 1.0/(255*255)))
}
