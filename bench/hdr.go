package bench

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// hdrTicks is how many lines a percentile log has until the distance to 100 % halves.
const hdrTicks = 5

// WriteHDR writes the latencies of each phase that has any as an HdrHistogram percentile
// log, in milliseconds: FILE's name gets -selling and -sold-out before its extension. It
// returns the names.
func (r *LoadReport) WriteHDR(path string) ([]string, error) {
	var names []string
	extension := filepath.Ext(path)
	for i, suffix := range [...]string{"-selling", "-sold-out"} {
		if r.phases[i].latency.TotalCount() == 0 {
			continue
		}
		name := strings.TrimSuffix(path, extension) + suffix + extension
		err := writeFile(name, func(w io.Writer) error {
			_, err := r.phases[i].latency.PercentilesPrint(w, hdrTicks, 1000)
			return err
		})
		if err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// writeFile creates a file and lets it be written.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
