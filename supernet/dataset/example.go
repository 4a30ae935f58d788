package dataset

import (
	"context"
	"slices"
)

// Example is a data set that this program makes, known by its name.
type Example struct {
	Name  string
	About string // what it is and takes to make, after "it is"
	// Make makes it in a folder, where it is not there already; report, if not nil,
	// is told what is under way, how far it is and of how much.
	Make func(ctx context.Context, dir string, report func(doing string, done, total int)) error
}

// Examples are the data sets that this program makes.
var Examples = []Example{
	{DigitsName, "72 MB, made of MNIST in seconds; MNIST, 11 MB, is fetched", fetchAndMakeDigits},
	{EmojiName, "69 MB, made of drawings of emoji in seconds; packages with them, 152 MB, are fetched", MakeEmoji},
}

// ExampleNamed is the example of a name, if there is one.
func ExampleNamed(name string) (e Example, ok bool) {
	i := slices.IndexFunc(Examples, func(e Example) bool { return e.Name == name })
	if i < 0 {
		return e, false
	}
	return Examples[i], true
}

func fetchAndMakeDigits(ctx context.Context, dir string, report func(doing string, done, total int)) error {
	if CheckDigits(dir) == nil {
		return nil
	}
	if report == nil {
		report = func(string, int, int) {}
	}
	report("fetching MNIST", 0, 0)
	mnist, err := FetchMNIST(ctx)
	if err != nil {
		return err
	}
	return MakeDigits(ctx, mnist, dir, func(done, total int) { report("making the digits", done, total) })
}
