export { arrange, breakLines, cellAt, gripAt, mount, number, snap, ticks };
