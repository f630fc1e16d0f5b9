"""As much of Glue's own library as the jobs use. This directory lies on the path of a job in the local cloud."""
