package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"onsale/api"
	"onsale/api/challenge"
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
	r := reloading{&v.settings.processSettings, v.tokens, v.public, v.gate}
	return r.take(&s.processSettings, s.rereadSecret)
}

// rereadSecret reads the tokens' secret as readSecret does, except that a file that is gone
// is an error: the node has tokens of that secret.
func (s *settings) rereadSecret() ([]byte, error) {
	secret, err := readSecret(s.secretPath())
	if errors.Is(err, os.ErrNotExist) && s.SecretFile == "" && s.Tokens.KeyFile != "" {
		return nil, nil
	}
	return secret, err
}

// reloading is a process that takes settings while it runs. Certificates and the file of
// token keys are not among them: they are read again by themselves, within a second of
// their change.
type reloading struct {
	now    *processSettings
	tokens *tokens
	public *api.Public
	gate   challenge.Gate // nil for none
}

// reloaded are the settings that can be taken while the process runs.
var reloaded = [...]string{"log-level", "secret-file", "user-requests-per-second", "user-burst", "address-requests-per-second", "address-burst",
	"limited-users-max", "limited-addresses-max"}

// take takes what can be, and returns the names of the other settings that changed, which
// need a restart; more are taken by the caller. The settings were checked, so that all are taken or,
// when a file was changed meanwhile, none.
func (r *reloading) take(fresh *processSettings, readSecret func() ([]byte, error), more ...string) (kept []string, err error) {
	secret, err := readSecret()
	if err != nil {
		return nil, err
	}
	if err := r.tokens.reopen(&r.now.Tokens, secret); err != nil {
		return nil, err
	}
	if gate, is := r.gate.(*workGate); is {
		if err := gate.reopen(r.now.ChallengeBits, secret); err != nil {
			return nil, err
		}
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
