"""What every clinic and every service agrees on: events, instruments, policies. Imports nothing of ours."""
