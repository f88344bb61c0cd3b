package growth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"onsale/bench"
	"onsale/bench/result"
)

// Parts are what may be measured alone.
var Parts = []string{"engine", "cluster", "journal"}

// Options says what is measured.
type Options struct {
	Program    string // the onsale binary whose nodes are started
	DataParent string // where the temporary data goes; "" is the system's folder
	// Largest is the largest size of the curves: of sales a thousandth.
	Largest int
	Parts   []string
	Log     io.Writer

	crush crush
}

// Sizes that take up to six minutes, and up to one.
const (
	LargestFull  = 10_000_000
	LargestQuick = 1_000_000
)

// Validate returns bench.ErrOptions for a part that there is not, or a size out of bounds.
func (o *Options) Validate() error {
	if o.Largest < smallest || o.Largest > LargestFull {
		return fmt.Errorf("%w: the largest size is %d, allowed are %d to %d", bench.ErrOptions, o.Largest, smallest, LargestFull)
	}
	for _, part := range o.Parts {
		if !slices.Contains(Parts, part) {
			return fmt.Errorf("%w: part %q, there are %v", bench.ErrOptions, part, Parts)
		}
	}
	return nil
}

// memoryLimit makes the collector work harder before a machine with 24 GiB has none left.
const memoryLimit = 8 << 30

// Run measures, and returns the curves with their slopes in their notes.
func Run(ctx context.Context, o Options) ([]result.Curve, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	o.crush = crush{uint64(min(100_000, o.Largest/20)), time.Second}
	if o.Largest == LargestFull {
		o.crush = crush{300_000, 3 * time.Second}
	}
	parts := map[string]func() ([]result.Curve, error){
		"engine":  func() ([]result.Curve, error) { return o.engine(ctx) },
		"cluster": func() ([]result.Curve, error) { return o.clusters(ctx) },
		"journal": func() ([]result.Curve, error) { return o.journals(ctx) },
	}
	var curves []result.Curve
	for _, part := range Parts {
		if len(o.Parts) > 0 && !slices.Contains(o.Parts, part) {
			continue
		}
		more, err := parts[part]()
		if err != nil {
			return nil, err
		}
		curves = append(curves, more...)
		debug.FreeOSMemory() // the next part's processes need it
	}
	tell(curves)
	for _, c := range curves {
		if err := c.Validate(); err != nil {
			return nil, err
		}
	}
	return curves, nil
}

func (o *Options) engine(ctx context.Context) (curves []result.Curve, err error) {
	for _, s := range append(engine(o.Largest), snapshotStudy(o.Largest)) {
		more, err := s.run(ctx, o.Log)
		if err != nil {
			return nil, err
		}
		curves = append(curves, more...)
	}
	return curves, nil
}

// WriteFile writes curves to a file, as result.ReadCurves reads them.
func WriteFile(path string, curves []result.Curve) error {
	data, err := json.MarshalIndent(curves, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644) //nolint:gosec // results are for everybody
}
