"""The demo: the main job on real parts, with a real AI application under load. Ends by itself."""
