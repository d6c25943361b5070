"""Transfer learning on chest X-rays: VGG-19, two dense layers, and what the score is made of."""
