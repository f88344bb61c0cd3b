package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"onsale/api"
	"onsale/internal/ticket"
)

// hangUps returns the SIGHUPs that come from now on. Who has asked for them once is never
// ended by one, not while it starts and not while it stops.
func hangUps() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// reloadAt reads again what can be at each SIGHUP, until ctx ends.
func (v *server) reloadAt(ctx context.Context, hangUp <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			v.reload()
		}
	}
}

// reload takes what may change while the node runs; settings of which one is wrong change
// nothing.
func (v *server) reload() {
	kept, err := auditReload(v.audit, "SIGHUP", v.takeSettings)
	if err != nil {
		v.log.Error("the settings that were read again do not do, and change nothing", "error", err)
		return
	}
	v.log.Info("settings were read again", "need_restart", kept)
}

// takeSettings reads the settings, and returns the names of those that need a restart.
func (v *server) takeSettings() (kept []string, err error) {
	s := newSettings()
	if err := v.settings.Again(s.Set, os.Environ()); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	r := reloading{&v.settings.processSettings, v.tokens, v.public}
	if v.tickets == nil || s.TicketKeyFile == "" {
		return r.take(&s.processSettings, s.secretPath())
	}
	keys, err := ticket.ReadSecrets(s.TicketKeyFile)
	if err != nil {
		return nil, fmt.Errorf("--ticket-key-file: %w", err)
	}
	kept, err = r.take(&s.processSettings, s.secretPath(), "ticket-key-file")
	if err == nil {
		v.tickets.Take(keys)
	}
	return kept, err
}

// reloading is a process that takes settings while it runs. Certificates and the files of
// tokens are read again by themselves, within a second of their change; so are the latter at once.
type reloading struct {
	now    *processSettings
	tokens *tokens
	public *api.Public
}

// reloaded are the settings that can be taken while the process runs.
var reloaded = [...]string{"log-level", "secret-file", "user-requests-per-second", "user-burst", "address-requests-per-second", "address-burst",
	"limited-users-max", "limited-addresses-max"}

// take takes what can be, and returns the names of the other settings that changed, which
// need a restart; more are taken by the caller. The settings were checked, so that all are taken or,
// when a file was changed meanwhile, none.
func (r *reloading) take(fresh *processSettings, secretFile string, more ...string) (kept []string, err error) {
	if err := r.tokens.reread(secretFile); err != nil {
		return nil, err
	}
	if err := r.public.SetLimits(&fresh.Web); err != nil {
		return nil, err
	}
	if err := setLevel(r.now.logLevel, fresh.LogLevel); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(r.now.Changed(fresh.Set), func(name string) bool {
		return slices.Contains(reloaded[:], name) || slices.Contains(more, name)
	}), nil
}
