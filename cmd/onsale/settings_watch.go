package main

import (
	"context"
	"os"
	"time"

	"onsale/internal/setting"
)

// tableInterval is how often the configuration file is looked at, and the clusters' sale ids.
const tableInterval = time.Second

// settingsWatch runs a process whose settings can be read again while it runs.
type settingsWatch struct {
	settings *setting.Set
	hangUp   <-chan os.Signal
	failed   <-chan error       // what ends the process
	look     func()             // is called each tableInterval
	reload   func(cause string) // is called when the configuration file has changed, or SIGHUP has come
}

// run returns nil when ctx ends, and what failed before that.
func (w *settingsWatch) run(ctx context.Context) error {
	ticker := time.NewTicker(tableInterval)
	defer ticker.Stop()
	modified := w.settings.Modified() // it may have been changed while this process started
	for {
		cause := "a change of the configuration file"
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.failed:
			return err
		case <-w.hangUp:
			cause = "SIGHUP"
		case <-ticker.C:
			w.look()
			if now := setting.ModifiedAt(w.settings.Path()); now.Equal(modified) {
				continue
			}
		}
		modified = setting.ModifiedAt(w.settings.Path())
		w.reload(cause)
	}
}
